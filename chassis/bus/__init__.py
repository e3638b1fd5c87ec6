"""The bus: messages through the outbox and the inbox, calls with a deadline, over RabbitMQ or inside one process."""
