package plaid

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/weaviate/weaviate/usecases/modulecomponents"

	plaidconfig "weaviate-colpali/config/plaid"
	"weaviate-colpali/multivector"
)

// PrecisionHeader is the header of a request by which one query asks for another
// precision than its collection's. Its values are those of multivector.plaid.precision.
//
// Weaviate puts the headers of a request that begin with X- into the context, those
// of gRPC by their names in lower case, and modulecomponents finds both. Between
// nodes it carries none: [ForwardPrecision] and [ReceivePrecision] carry this one.
const PrecisionHeader = "X-Colpali-Precision"

// ErrPrecision says that a query asks for a precision that there is none of.
var ErrPrecision = errors.New("wrong precision")

// queryPrecision is what the query of a context asks for, "" if it leaves it to the
// collection.
func queryPrecision(ctx context.Context) (string, error) {
	asked := modulecomponents.GetValueFromContext(ctx, PrecisionHeader)
	if asked != "" && !slices.Contains(plaidconfig.Precisions, asked) {
		return "", fmt.Errorf("%w: the header %s must be one of %s, got %q: leave it out for the collection's own",
			ErrPrecision, PrecisionHeader, strings.Join(plaidconfig.Precisions, ", "), asked)
	}
	return asked, nil
}

// ForwardPrecision puts what a query asks for into the request by which its node
// asks another one's shard. What no shard would accept is refused here, since
// Weaviate asks again and again when a shard fails.
func ForwardPrecision(ctx context.Context, request *http.Request) error {
	asked, err := queryPrecision(ctx)
	if err == nil && asked != "" {
		request.Header.Set(PrecisionHeader, asked)
	}
	return err
}

// ReceivePrecision is a handler of such requests that tells the shard.
func ReceivePrecision(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked := r.Header.Values(PrecisionHeader); len(asked) > 0 {
			// The key and the type by which Weaviate keeps a client's headers.
			r = r.WithContext(context.WithValue(r.Context(), PrecisionHeader, asked)) //nolint:staticcheck // Weaviate's key is a string
		}
		next.ServeHTTP(w, r)
	})
}

// precision is what a search is to give: what its query asks for, or else its
// collection.
func (x *Index) precision(ctx context.Context) (multivector.Precision, error) {
	asked, err := queryPrecision(ctx)
	if err != nil {
		return 0, err
	}
	if asked == "" {
		asked = x.config.Load().Precision
	}
	switch asked {
	case plaidconfig.Fast:
		return multivector.Fast, nil
	case plaidconfig.Exact:
		return multivector.Exact, nil
	default:
		return multivector.Balanced, nil
	}
}
