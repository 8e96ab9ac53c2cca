package jinaai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/blob"
)

// maxInputs bounds the pages and queries of one request. The module sends one; 32 fill several runs of the model.
const maxInputs = 32

// request is the body of POST /v1/embeddings. Keys that are not here are skipped: newer releases of Weaviate may
// send some.
type request struct {
	Model        string `json:"model"`
	Input        inputs `json:"input"`
	Task         string `json:"task"`
	Type         string `json:"embedding_type"`
	Dimensions   *int   `json:"dimensions"`
	Normalized   *bool  `json:"normalized"`
	MultiVectors bool   `json:"return_multivector"`
}

// input is a string, {"text": "..."} or {"image": "..."}.
type input struct {
	text, image string
	// bare says that it was a string.
	bare bool
}

// taskQuery is the task of a text that somebody searches for.
const taskQuery = "retrieval.query"

type inputs []input

// UnmarshalJSON reads a list of inputs, or one without a list around it. It stops at the first too many, before
// they take memory.
func (all *inputs) UnmarshalJSON(text []byte) error {
	*all = nil
	if text[0] != '[' {
		var one input
		if err := one.UnmarshalJSON(text); err != nil {
			return fmt.Errorf("input: %w", err)
		}
		*all = inputs{one}
		return nil
	}
	list := json.NewDecoder(bytes.NewReader(text))
	if _, err := list.Token(); err != nil {
		return err
	}
	for list.More() {
		if len(*all) == maxInputs {
			return fmt.Errorf("input has more than %d entries, which is the limit; send several requests", maxInputs)
		}
		var next input
		if err := list.Decode(&next); err != nil {
			return fmt.Errorf("input %d: %w", len(*all), err)
		}
		*all = append(*all, next)
	}
	return nil
}

// UnmarshalJSON reads one input of any of the three forms.
func (i *input) UnmarshalJSON(value []byte) error {
	*i = input{}
	if value[0] == '"' {
		i.bare = true
		return json.Unmarshal(value, &i.text)
	}
	var fields struct{ Text, Image string }
	if value[0] != '{' || json.Unmarshal(value, &fields) != nil {
		return errors.New(`it must be a string, {"text": "a string"} or {"image": "base64"}`)
	}
	i.text, i.image = fields.Text, fields.Image
	return nil
}

// parse reads a body. Its error is the client's fault.
func parse(body []byte) (request, error) {
	var r request
	if err := json.Unmarshal(body, &r); err != nil {
		return request{}, refuse(http.StatusUnprocessableEntity, "the body is not a request for embeddings: %v", err)
	}
	return r, nil
}

// check refuses what a request says about the vectors that are not those of the model.
func (r request) check(running vectorizer.Model) error {
	switch {
	case !names(running, r.Model):
		return refuse(http.StatusUnprocessableEntity, `model %.100q does not run here; write "model": %q into the collection's settings of `+
			`multi2multivec-jinaai, or start this server with the model that its vectors are of`, r.Model, running.Name)
	case !r.MultiVectors:
		return refuse(http.StatusUnprocessableEntity, "return_multivector is not true: this server makes multi-vectors only; "+
			"the module for them is multi2multivec-jinaai")
	case r.Type != "" && r.Type != "float":
		return refuse(http.StatusUnprocessableEntity, "embedding_type is %.100q; this server gives float", r.Type)
	case r.Dimensions != nil && *r.Dimensions != running.Dim:
		return refuse(http.StatusUnprocessableEntity, "dimensions is %d; vectors of %s have %d", *r.Dimensions, running.Name, running.Dim)
	case r.Normalized != nil && !*r.Normalized:
		return refuse(http.StatusUnprocessableEntity, "normalized is false; vectors of %s are of length one", running.Name)
	case len(r.Input) == 0:
		return refuse(http.StatusUnprocessableEntity, `input is empty; give it a query, or {"image": "base64"} for a page`)
	}
	return nil
}

// manifestDigits is how many digits of a manifest's hash a request gives at least: nobody meets 12 by accident.
const manifestDigits = 12

// names says whether a request's model is the running one.
func names(running vectorizer.Model, model string) bool {
	digits, pinned := strings.CutPrefix(model, running.Name+"@")
	return model == running.Name ||
		pinned && len(digits) >= manifestDigits && strings.HasPrefix(running.ManifestHash, digits)
}

// work is the queries and pages of a request, and where each stands in its input.
type work struct {
	queries         []string
	pages           [][]byte
	queryAt, pageAt []int
}

// sort tells queries from pages, and decodes these. An error names its input.
func (r request) sort(maxImageBytes int64) (work, error) {
	var w work
	for at, in := range r.Input {
		if in.image == "" {
			if err := in.checkQuery(r.Task); err != nil {
				return work{}, refuse(http.StatusUnprocessableEntity, "input %d: %w", at, err)
			}
			w.queries, w.queryAt = append(w.queries, in.text), append(w.queryAt, at)
			continue
		}
		if in.text != "" {
			return work{}, refuse(http.StatusUnprocessableEntity, "input %d has a text and an image; give it one of them", at)
		}
		page, err := blob.Decode(in.image, maxImageBytes)
		if err != nil {
			return work{}, refuse(http.StatusUnprocessableEntity, "input %d: %w", at, err)
		}
		w.pages, w.pageAt = append(w.pages, page), append(w.pageAt, at)
	}
	return w, nil
}

// checkQuery wants a text to be what somebody searches for.
func (i input) checkQuery(task string) error {
	switch {
	case i.text == "" && !i.bare:
		return errors.New("it has no image: send a page image, base64-encoded")
	case task == taskQuery, task == "" && i.bare:
		return nil
	case task == "":
		return errors.New("it is a text to store, and pages are images here; name the image's property in imageFields, not in textFields, " +
			"and search the text by bm25 or hybrid")
	default:
		return fmt.Errorf("it is a text with the task %.100q; of texts this server embeds queries, whose task is %q", task, taskQuery)
	}
}
