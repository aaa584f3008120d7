"""The road from a message to deeds: gate, inbox, prompt, engine, parser, dispatcher, outbox."""
