"""What another school system needs to hear from Korrigo: `python docs/subscriber.py amqp://user:secret@broker//`

Public messages are CloudEvents 1.0 in JSON on the durable topic exchange `korrigo.public`; docs/messages.md lists them.
A message may come twice: remember its `id`. Acknowledge it only after its effect is saved.
"""

import json
import sys

import kombu

QUEUE = kombu.Queue(
    "school-system.korrigo",  # yours alone, durable: messages wait in it while you are away
    exchange=kombu.Exchange("korrigo.public", type="topic", durable=True, passive=True),
    routing_key="grading.#",
    durable=True,
    queue_arguments={"x-queue-type": "quorum"},
)
seen: set[str] = set()  # a table of your database, written together with the effect


def act(message: kombu.Message) -> None:
    """Have the effect of one message, once."""
    event = json.loads(message.body)
    if event["id"] not in seen:
        seen.add(event["id"])
        print(event["type"], event["subject"], json.dumps(event["data"]), flush=True)
    message.ack()


if __name__ == "__main__":
    with kombu.Connection(sys.argv[1], heartbeat=30) as connection, kombu.Consumer(connection, [QUEUE], on_message=act):
        while True:
            connection.drain_events()
