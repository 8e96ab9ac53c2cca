package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"weaviate-colpali/tools/dev/rest"
)

// failure is what the page shows when something went wrong: what, in whose words, and what to do.
type failure struct {
	status int
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

func (f *failure) Error() string { return f.Title + ": " + f.Detail }

// maxDetail bounds what is repeated of an error, in bytes: Weaviate repeats questions in its own.
const maxDetail = 600

// explain says what an error means to somebody who looks at the page.
func (s *site) explain(err error) *failure {
	f := s.translate(err)
	f.Detail = cut(f.Detail, maxDetail)
	return f
}

func (s *site) translate(err error) *failure {
	known := (*failure)(nil)
	answered := (*rest.StatusError)(nil)
	syntax := (*json.SyntaxError)(nil)
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.DeadlineExceeded):
		return &failure{
			http.StatusGatewayTimeout, "Weaviate took too long",
			fmt.Sprintf("There was no answer from %s within %s.", s.url, s.patience),
			"Try again, with fewer results or with the precision fast.",
		}
	case errors.As(err, &answered):
		return s.refused(answered)
	case errors.As(err, &syntax):
		return &failure{
			http.StatusBadGateway, "That is no Weaviate", s.url + " answered with something else than JSON.",
			"Start the page with the address of your Weaviate: make search URL=http://...",
		}
	case errors.Is(err, rest.ErrGraphQL):
		return ofGraphQL(err.Error())
	default:
		return &failure{
			http.StatusBadGateway, "Weaviate cannot be reached", err.Error(),
			"Start it with make serve, or start the page with its address: make search URL=http://...",
		}
	}
}

// refused explains a status that is an error.
func (s *site) refused(answered *rest.StatusError) *failure {
	message := message(answered.Answer)
	switch answered.Code {
	case http.StatusUnauthorized:
		return &failure{
			http.StatusUnauthorized, "Weaviate wants to know who asks", message,
			"Start the page with a key that it accepts: WEAVIATE_API_KEY=... make search",
		}
	case http.StatusForbidden:
		return forbidden(message)
	case http.StatusServiceUnavailable:
		return &failure{http.StatusServiceUnavailable, "Weaviate is not ready", message, "Wait until it has started, and try again."}
	}
	if strings.Contains(message, "graphql api is disabled") {
		return &failure{
			http.StatusBadGateway, "Weaviate's GraphQL is switched off", message,
			"Start Weaviate without DISABLE_GRAPHQL: what the page shows is carried by GraphQL only.",
		}
	}
	return &failure{http.StatusBadGateway, "Weaviate refused", message, ""}
}

// message is what an answer says, without the JSON around it, of which Weaviate has two kinds.
func message(answer string) string {
	var said struct {
		Message string
		Error   []struct{ Message string }
	}
	switch err := json.Unmarshal([]byte(answer), &said); {
	case err == nil && len(said.Error) > 0:
		return said.Error[0].Message
	case err == nil && said.Message != "":
		return said.Message
	default:
		return answer
	}
}

// ofGraphQL explains an error that came with status 200.
func ofGraphQL(said string) *failure {
	switch {
	case strings.Contains(said, "forbidden"):
		return forbidden(said)
	case strings.Contains(said, "query refused"):
		return &failure{http.StatusBadRequest, "The question was refused", said, "Ask something shorter."}
	case strings.Contains(said, "model is not running"):
		return &failure{http.StatusServiceUnavailable, "The model is not running", said, "Wait until the server has started; if it stays so, its log says why."}
	case strings.Contains(said, "tenant"):
		return &failure{http.StatusBadRequest, "That tenant cannot be searched", said, "Choose another one, or activate it."}
	default:
		return &failure{http.StatusBadGateway, "Weaviate refused the search", said, ""}
	}
}

func forbidden(said string) *failure {
	return &failure{http.StatusForbidden, "The key may not do this", said, "Give its role the permission to read this collection and its data."}
}

// notUnderstood refuses what the page itself never asks.
func notUnderstood(detail string) *failure {
	return &failure{status: http.StatusBadRequest, Title: "The request is not understood", Detail: detail}
}

// cut shortens a text to so many bytes, whole characters.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
