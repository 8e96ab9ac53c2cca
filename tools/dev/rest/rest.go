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
	"net/http"
	"strings"
	"time"
)

// Client talks to one server.
type Client struct {
	base string
	http *http.Client
}

// requestTimeout covers a batch of pages on a slow CPU model.
const requestTimeout = 10 * time.Minute

// maxResponseBytes bounds an answer: a page's 1,030 x 128 vectors take about 1.5 MB as JSON.
const maxResponseBytes = 256 << 20

// New returns a client of the server at addr, host:port.
func New(addr string) *Client {
	return &Client{base: "http://" + addr + "/v1", http: &http.Client{Timeout: requestTimeout}}
}

// Do sends in as JSON (nil sends no body) and decodes the answer into out (nil drops it). A status
// other than 2xx is an error that carries what the server said.
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
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, strings.TrimSpace(string(answer)))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// GraphQL runs a query and decodes its "data" into out. Errors that GraphQL reports with status 200
// are errors here.
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
		return fmt.Errorf("graphql: %w", err)
	}
	return json.Unmarshal(answer.Data, out)
}
