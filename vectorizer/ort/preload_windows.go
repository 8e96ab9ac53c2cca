package ort

// preload does nothing: Windows searches the folder of the provider itself.
func preload(string) error { return nil }
