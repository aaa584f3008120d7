"""The parts of the `openai_chatgpt` engine: a thin client of the OpenAI chat protocol."""
