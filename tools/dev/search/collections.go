package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"weaviate-colpali/config"
	"weaviate-colpali/tools/dev/rest"
)

// modules are the names under which a schema may use our vectorizer.
var modules = []string{"multi2multivec-colpali", "colpali"}

// about is what the page is told when it opens.
type about struct {
	Server      string       `json:"server"`
	Version     string       `json:"version"`
	Model       string       `json:"model"`
	Demo        bool         `json:"demo"` // it is the model that is embedded in the server
	Preferred   string       `json:"preferred"`
	Collections []collection `json:"collections"` // at least one
}

// collection is one that our module vectorizes.
type collection struct {
	Name    string   `json:"name"`
	Tenants bool     `json:"tenants"` // a search must name one
	Vectors []vector `json:"vectors"` // at least one
	shown   []string // properties that are text, numbers or the like
}

// vector is a named vector of our module, and the property that has its pages.
type vector struct {
	Name  string `json:"name"`
	image string
}

func (s *site) collections(ctx context.Context, _ struct{}) (*about, error) {
	var meta struct {
		Version string
		Modules map[string]struct {
			Model, Error string
			Demo         bool
		}
	}
	if err := s.weaviate.Do(ctx, http.MethodGet, "/meta", nil, &meta); err != nil {
		return nil, err
	}
	module, ok := meta.Modules[modules[0]]
	if !ok {
		return nil, &failure{
			http.StatusBadGateway, "This Weaviate has no ColPali", s.url + " runs without the module " + modules[0] + ".",
			"Run the server of this project: make serve",
		}
	}
	if module.Error != "" {
		return nil, &failure{
			http.StatusServiceUnavailable, "The model is not running", module.Error,
			"The server's log says why; COLPALI_MODEL_DIR names the model's folder.",
		}
	}
	found, err := s.schema(ctx)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &failure{
			http.StatusNotFound, "There is nothing to search yet", s.url + " has no collection with the vectorizer " + modules[0] + ".",
			"Create one and import pages: the README shows how.",
		}
	}
	return &about{
		Server: s.url, Version: meta.Version, Model: module.Model, Demo: module.Demo, Preferred: s.preferred, Collections: found,
	}, nil
}

// class is a collection as the schema has it.
type class struct {
	Class              string
	Properties         []property
	MultiTenancyConfig struct{ Enabled bool }
	VectorConfig       map[string]struct{ Vectorizer map[string]any }
}

// schema lists the collections that our module vectorizes, by name.
func (s *site) schema(ctx context.Context) ([]collection, error) {
	var schema struct{ Classes []class }
	if err := s.weaviate.Do(ctx, http.MethodGet, "/schema", nil, &schema); err != nil {
		return nil, err
	}
	var found []collection
	for _, class := range schema.Classes {
		if c := class.collection(); len(c.Vectors) > 0 {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b collection) int { return cmp.Compare(a.Name, b.Name) })
	return found, nil
}

// collection is what the page needs to know, with the vectors of our module, which may be none.
func (c class) collection() collection {
	found := collection{Name: c.Class, Tenants: c.MultiTenancyConfig.Enabled, shown: shown(c.Properties)}
	for name, of := range c.VectorConfig {
		for _, module := range modules {
			raw, _ := of.Vectorizer[module].(map[string]any)
			if settings, err := config.ParseVectorizer(raw); err == nil {
				found.Vectors = append(found.Vectors, vector{Name: name, image: settings.ImageField})
			}
		}
	}
	slices.SortFunc(found.Vectors, func(a, b vector) int { return cmp.Compare(a.Name, b.Name) })
	return found
}

type property struct {
	Name     string
	DataType []string
}

// shown are the properties whose values say something to a reader.
func shown(properties []property) []string {
	var names []string
	for _, p := range properties {
		switch strings.TrimSuffix(p.DataType[0], "[]") {
		case "text", "string", "int", "number", "boolean", "date", "uuid":
			names = append(names, p.Name)
		}
	}
	return names
}

// target is what is searched. The page's names are looked up in the schema, so that none is written into a query
// that the server does not have.
type target struct {
	Collection string
	Vector     string
	Tenant     string
}

// target finds the collection and the vector that are meant.
func (s *site) target(ctx context.Context, t target) (collection, vector, error) {
	missing := &failure{
		http.StatusNotFound, "There is no such collection", fmt.Sprintf("%s has no collection %q with pages.", s.url, t.Collection),
		"Reload the page and choose another one.",
	}
	var class class
	err := s.weaviate.Do(ctx, http.MethodGet, "/schema/"+url.PathEscape(t.Collection), nil, &class)
	if answered := (*rest.StatusError)(nil); errors.As(err, &answered) && answered.Code == http.StatusNotFound {
		return collection{}, vector{}, missing
	}
	if err != nil {
		return collection{}, vector{}, err
	}
	// What is not a name may be the path of something else.
	if class.Class == "" || class.Class != t.Collection {
		return collection{}, vector{}, missing
	}
	c := class.collection()
	for _, v := range c.Vectors {
		if v.Name == t.Vector {
			return c, v, nil
		}
	}
	return collection{}, vector{}, &failure{
		http.StatusNotFound, "There is no such vector", fmt.Sprintf("%s has no vector %q of this module.", t.Collection, t.Vector),
		"Reload the page and choose another one.",
	}
}

// maxTenants is how many can be chosen from a list; any other can be typed.
const maxTenants = 1000

func (s *site) tenants(ctx context.Context, t target) ([]string, error) {
	c, _, err := s.target(ctx, t)
	if err != nil {
		return nil, err
	}
	var tenants []struct{ Name string }
	if err := s.weaviate.Do(ctx, http.MethodGet, "/schema/"+url.PathEscape(c.Name)+"/tenants", nil, &tenants); err != nil {
		return nil, err
	}
	names := make([]string, len(tenants))
	for i, tenant := range tenants {
		names[i] = tenant.Name
	}
	slices.Sort(names)
	return names[:min(len(names), maxTenants)], nil
}
