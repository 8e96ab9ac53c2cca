package module

import (
	"errors"
	"slices"

	enterrors "github.com/weaviate/weaviate/entities/errors"
	"github.com/weaviate/weaviate/usecases/objects"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/processor"
)

// errNotRunning answers calls before Init and after Close.
var errNotRunning error = statusError{
	error: errors.New("the ColPali model is not running: the server is starting or shutting down"),
	code:  codes.Unavailable,
}

// errCertainty refuses what Weaviate would compute from a cosine.
var errCertainty error = enterrors.NewErrCertaintyIncompatible(errors.New(
	"certainty is not defined: a MaxSim score has no upper bound that it could be a share of; " +
		"use distance, which is the negated score"))

// statusError is an error that tells a client whose fault it is: by its code in
// gRPC, and in REST by the error of Weaviate that becomes the right HTTP status.
// Weaviate passes errors of modules up as they are; in GraphQL the text shows.
type statusError struct {
	error
	code     codes.Code
	weaviate error // nil where Weaviate has no error of that meaning
}

// Unwrap lets both [errors.Is] and Weaviate find what they look for.
func (e statusError) Unwrap() []error { return []error{e.error, e.weaviate} }

// GRPCStatus is what package status of gRPC looks for.
func (e statusError) GRPCStatus() *status.Status { return status.New(e.code, e.Error()) }

// refused marks an error as the client's: the same request will fail again.
func refused(err error) error {
	return statusError{err, codes.InvalidArgument, objects.NewErrInvalidUserInput("%v", err)}
}

// clientErrors are the kinds of refused pages and queries.
var clientErrors = []error{
	vectorizer.ErrQuery, processor.ErrTooLarge, processor.ErrNotImage, processor.ErrUndecodable,
}

// classify gives an error of the vectorizer the status that fits its kind.
func classify(err error) error {
	switch {
	case slices.ContainsFunc(clientErrors, func(kind error) bool { return errors.Is(err, kind) }):
		return refused(err)
	case errors.Is(err, vectorizer.ErrBusy):
		return statusError{err, codes.ResourceExhausted, enterrors.NewErrRateLimit()}
	case errors.Is(err, vectorizer.ErrClosed):
		return statusError{error: err, code: codes.Unavailable}
	default:
		return err
	}
}
