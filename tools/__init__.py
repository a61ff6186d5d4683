"""What a brain may call: look up, or propose."""
