"""What every process shares: settings, database, bus, objects, sandbox, logs, health. It knows nothing of exams."""
