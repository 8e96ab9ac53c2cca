package target

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// imageProperty of a collection that we create. In one that exists the vectorizer says which it is.
const imageProperty = "page"

// property of a collection.
type property struct {
	Name         string   `json:"name"`
	DataType     []string `json:"dataType"`
	Description  string   `json:"description,omitempty"`
	Tokenization string   `json:"tokenization,omitempty"`
}

// written are the properties that every page has beside its image.
var written = []property{
	{Name: "text", DataType: []string{"text"}, Description: "text layer of a PDF's page, for bm25 and hybrid search"},
	{Name: "file", DataType: []string{"text"}, Description: "name of the file"},
	// Paths and hashes are matched as a whole: a filter on one must not find its like.
	{Name: "path", DataType: []string{"text"}, Description: "path of the file as it was imported", Tokenization: "field"},
	{Name: "document", DataType: []string{"text"}, Description: "SHA-256 of the file", Tokenization: "field"},
	{Name: "pageNumber", DataType: []string{"int"}, Description: "number of the page in its file, from 1"},
	{Name: "pageCount", DataType: []string{"int"}, Description: "pages of the file"},
	{Name: "width", DataType: []string{"int"}, Description: "width of the image in pixels"},
	{Name: "height", DataType: []string{"int"}, Description: "height of the image in pixels"},
}

// newClass is the collection as the README shows it, with our properties.
func newClass(name string, tenants bool) map[string]any {
	class := map[string]any{
		"class":      name,
		"properties": append([]property{{Name: imageProperty, DataType: []string{"blob"}}}, written...),
		"vectorConfig": map[string]any{"colpali": map[string]any{
			"vectorizer":      map[string]any{Module: map[string]any{"imageFields": []string{imageProperty}}},
			"vectorIndexType": "hnsw",
			"vectorIndexConfig": map[string]any{
				"multivector": map[string]any{"enabled": true, "plaid": map[string]any{"enabled": true}},
			},
		}},
	}
	if tenants {
		class["multiTenancyConfig"] = map[string]any{"enabled": true}
	}
	return class
}

// class is a collection as the server describes it.
type class struct {
	Class              string
	Properties         []property
	MultiTenancyConfig struct{ Enabled bool }
	VectorConfig       map[string]vector
}

// vector is one named vector of a collection.
type vector struct {
	Vectorizer        map[string]settings
	VectorIndexConfig struct {
		Multivector struct {
			Plaid struct{ Enabled bool }
		}
	}
}

// settings of our vectorizer.
type settings struct {
	ImageFields []string
	Index       string
}

// check returns the property that takes the image, or why pages must not be sent there.
func (c class) check(tenant string) (image string, err error) {
	if image, err = c.checkVectors(); err != nil {
		return "", err
	}
	return image, errors.Join(c.checkProperties(), c.checkTenant(tenant))
}

// checkVectors looks for our vectorizer with an index. A server that does not know multivector.plaid takes a schema
// with it all the same, drops it, and builds an index over single tokens: all that tells is that it is not returned.
func (c class) checkVectors() (image string, err error) {
	var images []string
	for name, v := range c.VectorConfig {
		ours, ok := v.ours()
		if !ok {
			continue
		}
		if !v.VectorIndexConfig.Multivector.Plaid.Enabled && ours.Index != "hnsw" {
			return "", fmt.Errorf("the collection %s has no block multivector.plaid in its vector %q: the server does not know it, "+
				"or the collection was made without; make it anew, on the server that `make server` builds", c.Class, name)
		}
		images = append(images, ours.ImageFields...)
	}
	slices.Sort(images)
	switch images = slices.Compact(images); len(images) {
	case 0:
		return "", fmt.Errorf("the collection %s has no vector of the module %s: name another, it is created if it is missing",
			c.Class, Module)
	case 1:
		return images[0], nil
	}
	return "", fmt.Errorf("the collection %s makes vectors of several images, %s: the importer has one a page; name another collection",
		c.Class, strings.Join(images, ", "))
}

// ours are the settings of our vectorizer, by either of its names.
func (v vector) ours() (settings, bool) {
	for _, name := range []string{Module, "colpali"} {
		if s, ok := v.Vectorizer[name]; ok {
			return s, true
		}
	}
	return settings{}, false
}

func (c class) checkProperties() error {
	var missing []string
	for _, p := range written {
		at := slices.IndexFunc(c.Properties, func(q property) bool { return strings.EqualFold(p.Name, q.Name) })
		if at < 0 || !slices.Equal(c.Properties[at].DataType, p.DataType) {
			missing = append(missing, fmt.Sprintf("%s (%s)", p.Name, p.DataType[0]))
		}
	}
	if missing == nil {
		return nil
	}
	return fmt.Errorf("the collection %s lacks properties that the importer writes, or has them with another type: %s; "+
		"add them, or name another collection", c.Class, strings.Join(missing, ", "))
}

func (c class) checkTenant(tenant string) error {
	switch {
	case c.MultiTenancyConfig.Enabled && tenant == "":
		return fmt.Errorf("the collection %s has tenants: say which with -tenant", c.Class)
	case !c.MultiTenancyConfig.Enabled && tenant != "":
		return fmt.Errorf("the collection %s has no tenants: leave -tenant out, or name another collection", c.Class)
	}
	return nil
}
