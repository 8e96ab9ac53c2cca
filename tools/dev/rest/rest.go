// Package rest is the little of Weaviate's HTTP API that our tools use: plain requests with JSON
// in and out. It imports no Weaviate client, so that what a tool sends is what curl would.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client talks to one server.
type Client struct {
	base string
	more http.Header // sent with every request
	http *http.Client
}

// requestTimeout covers a batch of pages on a slow CPU model.
const requestTimeout = 10 * time.Minute

// maxResponseBytes bounds an answer: a page's 1,030 x 128 vectors take about 1.5 MB as JSON.
const maxResponseBytes = 256 << 20

// New returns a client of the server at addr, host:port.
func New(addr string) *Client {
	return at("http://" + addr)
}

func at(address string) *Client {
	return &Client{base: address + "/v1", http: &http.Client{Timeout: requestTimeout}}
}

// Connect returns a client of the server at address, such as https://weaviate.example.com, that shows apiKey
// with every request unless it is empty.
func Connect(address, apiKey string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("%q is no address of a server: give one such as http://localhost:8080", address)
	}
	client := at(strings.TrimSuffix(u.String(), "/"))
	if apiKey != "" {
		client = client.With("Authorization", "Bearer "+apiKey)
	}
	return client, nil
}

// With returns a client that sends one more header with every request.
func (c *Client) With(name, value string) *Client {
	with := *c
	if with.more = c.more.Clone(); with.more == nil {
		with.more = http.Header{}
	}
	with.more.Set(name, value)
	return &with
}

// StatusError is an answer with a status other than 2xx.
type StatusError struct {
	Method, Path string
	Code         int    // HTTP status
	Status       string // the same with its words
	Answer       string // what the server said
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s: %s: %s", e.Method, e.Path, e.Status, e.Answer)
}

// Do sends in as JSON (nil sends no body) and decodes the answer into out (nil drops it). A status
// other than 2xx is a [StatusError], which carries what the server said.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	maps.Copy(req.Header, c.more)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxResponseBytes))
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return &StatusError{
			Method: method, Path: path, Code: res.StatusCode, Status: res.Status,
			Answer: strings.TrimSpace(string(answer)),
		}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// ErrGraphQL is an error that GraphQL reported, with status 200.
var ErrGraphQL = errors.New("graphql")

// GraphQL runs a query and decodes its "data" into out. Errors that GraphQL reports with status 200
// are [ErrGraphQL] here.
func (c *Client) GraphQL(ctx context.Context, query string, out any) error {
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	if err := c.Do(ctx, http.MethodPost, "/graphql", map[string]string{"query": query}, &answer); err != nil {
		return err
	}
	errs := make([]error, len(answer.Errors))
	for i, e := range answer.Errors {
		errs[i] = errors.New(e.Message)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", ErrGraphQL, err)
	}
	return json.Unmarshal(answer.Data, out)
}
