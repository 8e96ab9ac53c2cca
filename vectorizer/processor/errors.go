package processor

import "errors"

// Kinds of refused image. Every error of [DecodeImage] is one of them, by [errors.Is].
var (
	// ErrTooLarge means that the image exceeds one of the [Limits]; it was not decoded.
	ErrTooLarge = errors.New("image too large")
	// ErrNotImage means that the bytes carry no signature of a supported format.
	ErrNotImage = errors.New("not a supported image")
	// ErrUndecodable means that the format is known, but the file is damaged, truncated, or uses a
	// feature of the format that is not supported.
	ErrUndecodable = errors.New("image cannot be decoded")
)

// ErrTokenizer means that a tokenizer.json is malformed or asks for something that this package
// does not implement. Every error of [NewTokenizer] is one, by [errors.Is].
var ErrTokenizer = errors.New("tokenizer cannot be loaded")
