package jinaai

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/processor"
)

// refusal is an error with the HTTP status that tells whose fault it is.
type refusal struct {
	status int
	error
}

// Unwrap lets [errors.Is] find the kind of the error.
func (r refusal) Unwrap() error { return r.error }

func refuse(status int, format string, args ...any) error {
	return refusal{status, fmt.Errorf(format, args...)}
}

// clientErrors are the kinds of refused pages and queries.
var clientErrors = []error{vectorizer.ErrQuery, processor.ErrTooLarge, processor.ErrNotImage, processor.ErrUndecodable}

// statusOf is 500 for what only an operator can mend.
func statusOf(err error) int {
	var refused refusal
	switch {
	case errors.As(err, &refused):
		return refused.status
	case slices.ContainsFunc(clientErrors, func(kind error) bool { return errors.Is(err, kind) }):
		return http.StatusUnprocessableEntity
	case errors.Is(err, vectorizer.ErrBusy):
		return http.StatusTooManyRequests
	case errors.Is(err, vectorizer.ErrClosed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
