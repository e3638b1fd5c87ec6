"""What every process shares: settings, database, bus, object store, sandbox, logs, health. It knows nothing of exams."""
