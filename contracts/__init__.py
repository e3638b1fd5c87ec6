"""All that crosses a process: messages, RPC, stored records, errors. Imports nothing of ours."""
