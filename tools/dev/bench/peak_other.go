//go:build !amd64

package main

// No loop in assembly yet: the table says 'not measured' for the peaks and what is compared with them.

func float32Peaks() []peak { return nil }

func int8Peaks() []peak { return nil }

func memoryReader() func(memory []byte) { return nil }

func hasF16C() bool { return false }
