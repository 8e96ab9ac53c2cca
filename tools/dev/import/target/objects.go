package target

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"weaviate-colpali/tools/dev/import/pages"
)

// Object is a page with its document.
type Object struct {
	Document pages.Document
	Page     pages.Page
}

// ID of the object.
func (o Object) ID() string { return o.Document.ID(o.Page.Number) }

func (t *Target) object(o Object) map[string]any {
	properties := map[string]any{
		t.image:      o.Page.Blob, // encoding/json writes bytes as base64
		"file":       filepath.Base(o.Document.Path),
		"path":       strings.ToValidUTF8(filepath.ToSlash(o.Document.Path), "\uFFFD"),
		"document":   o.Document.SHA256,
		"pageNumber": o.Page.Number,
		"pageCount":  o.Document.Pages,
		"width":      o.Page.Width,
		"height":     o.Page.Height,
	}
	if o.Page.Text != "" {
		properties["text"] = o.Page.Text
	}
	object := map[string]any{"class": t.collection, "id": o.ID(), "properties": properties}
	if t.tenant != "" {
		object["tenant"] = t.tenant
	}
	return object
}

// put sends a batch once. refused says which objects the server would not have, by position.
func (t *Target) put(ctx context.Context, objects []Object) (refused map[int]string, err error) {
	batch := make([]map[string]any, len(objects))
	for i, o := range objects {
		batch[i] = t.object(o)
	}
	var results []struct {
		Result struct {
			Errors struct {
				Error []struct{ Message string }
			}
		}
	}
	err = t.client.Do(ctx, http.MethodPost, "/batch/objects", map[string]any{"objects": batch}, &results)
	if err != nil {
		return nil, err
	}
	if len(results) != len(objects) {
		return nil, fmt.Errorf("the server answered for %d objects of %d", len(results), len(objects))
	}
	refused = map[int]string{}
	for i, r := range results {
		for _, e := range r.Result.Errors.Error {
			refused[i] = e.Message
		}
	}
	return refused, nil
}

// Held asks the server which of the ids it has.
func (t *Target) Held(ctx context.Context, ids []string) (map[string]bool, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	tenant := ""
	if t.tenant != "" {
		tenant = fmt.Sprintf("tenant: %q, ", t.tenant)
	}
	var data struct {
		Get map[string][]struct {
			Additional struct{ ID string } `json:"_additional"`
		}
	}
	query := fmt.Sprintf(`{ Get { %s(%swhere: {path: ["id"], operator: ContainsAny, valueText: %s}, limit: %d) { _additional { id } } } }`,
		t.collection, tenant, list, len(ids))
	if err := t.client.GraphQL(ctx, query, &data); err != nil {
		return nil, fmt.Errorf("ask which pages are there: %w", err)
	}
	held := make(map[string]bool, len(ids))
	for _, objects := range data.Get {
		for _, o := range objects {
			held[o.Additional.ID] = true
		}
	}
	return held, nil
}
