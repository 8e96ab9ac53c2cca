package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// precisions of the index; the first leaves it to the collection.
var precisions = []string{"", "fast", "balanced", "exact"}

// maxResults is as many as one search can explain.
const maxResults = 100

// question is a search.
type question struct {
	target
	Query     string
	Limit     int
	Precision string // of precisions
}

// answer is its results, the best first.
type answer struct {
	Results []result `json:"results"`
}

// result is one page of an answer.
type result struct {
	ID         string          `json:"id"`
	Title      string          `json:"title"`
	Score      float64         `json:"score"`      // MaxSim: the negative of Weaviate's distance
	Properties []shownValue    `json:"properties"` // in the order of the schema
	Why        json.RawMessage `json:"why"`        // the server's explanation
}

type shownValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (s *site) search(ctx context.Context, q question) (*answer, error) {
	if q.Limit < 1 || q.Limit > maxResults {
		return nil, &failure{
			http.StatusBadRequest, "That many results cannot be shown", fmt.Sprintf("%d were asked for.", q.Limit),
			fmt.Sprintf("Ask for 1 to %d.", maxResults),
		}
	}
	if !slices.Contains(precisions, q.Precision) {
		return nil, notUnderstood("precision is one of " + strings.Join(precisions[1:], ", "))
	}
	c, v, err := s.target(ctx, q.target)
	if err != nil {
		return nil, err
	}
	client := s.weaviate
	if q.Precision != "" {
		client = client.With("X-Colpali-Precision", q.Precision)
	}
	var data struct {
		Get map[string][]map[string]json.RawMessage
	}
	query := fmt.Sprintf(`{ Get { %s(%snearText: {concepts: [%s], targetVectors: [%s]}, limit: %d) { %s _additional { id distance
		colpali(targetVector: %s) { searched { certified candidates centroids scanned reranked scored }
			tokens { text prompt score column row } cut map { width height values } reason } } } } }`,
		c.Name, q.tenant(c), literal(q.Query), literal(v.Name), q.Limit, strings.Join(c.shown, " "), literal(v.Name))
	if err := client.GraphQL(ctx, query, &data); err != nil {
		return nil, err
	}
	a := &answer{Results: []result{}}
	for _, object := range data.Get[c.Name] {
		r, err := c.result(object)
		if err != nil {
			return nil, err
		}
		a.Results = append(a.Results, r)
	}
	return a, nil
}

// tenant is the argument that names the tenant, of a collection that has some.
func (t target) tenant(c collection) string {
	if !c.Tenants {
		return ""
	}
	return fmt.Sprintf("tenant: %s, ", literal(t.Tenant))
}

// literal writes a string of GraphQL, whose escapes are those of JSON.
func literal(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string can be marshalled
	}
	return string(encoded)
}

// result reads an object as GraphQL returns it.
func (c collection) result(object map[string]json.RawMessage) (result, error) {
	var additional struct {
		ID       string
		Distance float64
		ColPali  json.RawMessage
	}
	if err := json.Unmarshal(object["_additional"], &additional); err != nil {
		return result{}, err
	}
	r := result{ID: additional.ID, Score: -additional.Distance, Why: additional.ColPali, Properties: []shownValue{}}
	for _, name := range c.shown {
		if value := readable(object[name]); value != "" {
			r.Properties = append(r.Properties, shownValue{name, value})
		}
	}
	r.Title = title(r)
	return r, nil
}

// maxValue bounds what is shown of a property, in bytes: the text layer of a page is a property, too.
const maxValue = 400

// readable is a value of a property as text, "" for null.
func readable(value json.RawMessage) string {
	var text string
	var list []any
	switch {
	case string(value) == "null":
		return ""
	case json.Unmarshal(value, &text) == nil:
	case json.Unmarshal(value, &list) == nil:
		text = strings.Trim(fmt.Sprint(list), "[]")
	default:
		text = string(value)
	}
	return cut(text, maxValue)
}

// titles are names of properties that name a page, the best first.
var titles = []string{"title", "name", "file", "filename", "source", "path"}

// title is what a page is called: its first property of such a name, with the page's number if our importer gave it
// one, or else its first property.
func title(r result) string {
	for _, name := range titles {
		if value, ok := r.property(name); ok {
			if number, ok := r.property("pageNumber"); ok {
				value += ", page " + number
			}
			return value
		}
	}
	if len(r.Properties) > 0 {
		return cut(r.Properties[0].Value, 80)
	}
	return r.ID
}

func (r result) property(name string) (string, bool) {
	at := slices.IndexFunc(r.Properties, func(p shownValue) bool { return strings.EqualFold(p.Name, name) })
	if at < 0 {
		return "", false
	}
	return r.Properties[at].Value, true
}

// drawn asks for the map of one token on some pages.
type drawn struct {
	target
	Query string
	Token int
	IDs   []string
}

// maxDrawn is as many pages as are looked at together.
const maxDrawn = 2

// similarities are the maps, by the pages' ids.
func (s *site) similarities(ctx context.Context, d drawn) (map[string]json.RawMessage, error) {
	for _, id := range d.IDs {
		if uuid.Validate(id) != nil || len(d.IDs) > maxDrawn {
			return nil, notUnderstood("ids are one or two UUIDs")
		}
	}
	c, v, err := s.target(ctx, d.target)
	if err != nil {
		return nil, err
	}
	var data struct {
		Get map[string][]struct {
			Additional struct {
				ID      string
				ColPali struct{ Map json.RawMessage }
			} `json:"_additional"`
		}
	}
	quoted := make([]string, len(d.IDs))
	for i, id := range d.IDs {
		quoted[i] = literal(id)
	}
	query := fmt.Sprintf(`{ Get { %s(%swhere: {path: ["id"], operator: ContainsAny, valueText: [%s]}) { _additional { id
		colpali(query: %s, targetVector: %s, token: %d) { map { width height values } } } } } }`,
		c.Name, d.tenant(c), strings.Join(quoted, ", "), literal(d.Query), literal(v.Name), d.Token)
	if err := s.weaviate.GraphQL(ctx, query, &data); err != nil {
		return nil, err
	}
	maps := map[string]json.RawMessage{}
	for _, object := range data.Get[c.Name] {
		maps[object.Additional.ID] = object.Additional.ColPali.Map
	}
	return maps, nil
}
