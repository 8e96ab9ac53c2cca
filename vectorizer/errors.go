package vectorizer

import "errors"

var (
	// ErrModel means that a model folder cannot be used: something is missing, damaged, or
	// contradicts itself. The error says what, and how to get it right.
	ErrModel = errors.New("model cannot be used")
	// ErrOptions means that [Options] has a value out of its bounds.
	ErrOptions = errors.New("options of the vectorizer are wrong")
	// ErrQuery means that a query is empty or too long.
	ErrQuery = errors.New("query refused")
	// ErrOutput means that the model gave vectors that are not finite or not of length one, which
	// happens to large models in half precision. They are never returned.
	ErrOutput = errors.New("model output refused")
	// ErrBusy means that too many calls are waiting already. Trying again later may succeed.
	ErrBusy = errors.New("vectorizer is busy")
	// ErrClosed means that the vectorizer was closed, before the call or during it.
	ErrClosed = errors.New("vectorizer is closed")
)
