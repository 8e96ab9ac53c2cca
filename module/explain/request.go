package explain

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tailor-platform/graphql/language/ast"
	"github.com/weaviate/weaviate/entities/dto"
)

// The formats of a picture.
const (
	PNG = "PNG"
	SVG = "SVG"
)

// Limits of one query. A picture of a page is up to a megabyte; a map of 1,024 patches is 10 KB.
const (
	MaxWidth    = 2048
	MaxPictures = 20
	MaxObjects  = 100
)

// DefaultWidth of a picture, in pixels.
const DefaultWidth = 800

// ErrRequest says what is wrong with the property's arguments.
var ErrRequest = errors.New("_additional { " + Property + " }")

// Request is the property's arguments.
type Request struct {
	// Query is explained instead of what was searched for; "" for that.
	Query string
	// Vector is the named vector; "" for the one that was searched.
	Vector string
	// Token is the query token whose map is drawn; AllTokens for the whole query's.
	Token int
	// Format is "", [PNG] or [SVG].
	Format string
	Width  int

	// images is the property with the page's image, for each named vector of this module.
	images map[string]string
	err    error
}

// AllTokens draws the map of the whole query.
const AllTokens = -1

// NewRequest reads the arguments of a query to a collection whose vectors of this module have their
// page images in these properties. What is wrong with them is told by [Request.Check]: Weaviate takes
// no error here.
func NewRequest(arguments []*ast.Argument, images map[string]string) *Request {
	r := &Request{Token: AllTokens, Width: DefaultWidth, images: images}
	for _, argument := range arguments {
		if err := r.read(argument.Name.Value, argument.Value.GetValue()); err != nil {
			r.err = errors.Join(r.err, err)
		}
	}
	return r
}

func (r *Request) read(name string, value any) (err error) {
	text, ok := value.(string)
	if !ok { // a variable, which Weaviate does not resolve for modules
		return fmt.Errorf("%w: give %s as a literal; variables do not reach this property", ErrRequest, name)
	}
	switch name {
	case "query":
		r.Query = text
	case "targetVector":
		r.Vector = text
	case "format":
		r.Format = text
	case "token":
		r.Token, err = number(name, text, 0, 1<<20)
	case "width":
		r.Width, err = number(name, text, 1, MaxWidth)
	}
	return err
}

func number(name, text string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%w: %s must be a number from %d to %d, got %s", ErrRequest, name, least, most, text)
	}
	return n, nil
}

// Check returns what is wrong with the arguments, or with asking for so many objects.
func (r *Request) Check(objects int) error {
	switch {
	case r.err != nil:
		return r.err
	case r.Format != "" && objects > MaxPictures:
		return fmt.Errorf("%w: pictures of %d objects, the limit is %d: set limit, or leave format out",
			ErrRequest, objects, MaxPictures)
	case objects > MaxObjects:
		return fmt.Errorf("%w: %d objects, the limit is %d: set limit", ErrRequest, objects, MaxObjects)
	default:
		return nil
	}
}

// GetPropertiesToExtract is what Weaviate asks of such arguments: the properties that must be read
// though the query does not name them.
func (r *Request) GetPropertiesToExtract() []string {
	if r.Vector == "" {
		return slices.Compact(slices.Sorted(maps.Values(r.images)))
	}
	if image, ok := r.images[r.Vector]; ok {
		return []string{image}
	}
	return nil
}

// ImageOf is the property with the image of a named vector.
func (r *Request) ImageOf(vector string) string { return r.images[vector] }

// Target is the named vector to explain: the one asked for, or else the one that is searched, or else
// the collection's only one.
func (r *Request) Target(params dto.GetParams) (string, error) {
	known := strings.Join(slices.Sorted(maps.Keys(r.images)), ", ")
	if r.Vector != "" {
		if _, ok := r.images[r.Vector]; !ok {
			return "", fmt.Errorf("%w: targetVector %q is no vector of this module; they are [%s]", ErrRequest, r.Vector, known)
		}
		return r.Vector, nil
	}
	candidates := r.needs(params)
	if len(candidates) != 1 {
		return "", fmt.Errorf("%w: name one of the vectors [%s] as targetVector", ErrRequest, known)
	}
	return candidates[0], nil
}

// needs are the named vectors that may be asked for.
func (r *Request) needs(params dto.GetParams) []string {
	if r.Vector != "" {
		return []string{r.Vector}
	}
	var searched []string
	for _, name := range targets(params) {
		if _, ok := r.images[name]; ok {
			searched = append(searched, name)
		}
	}
	if len(searched) > 0 {
		return searched
	}
	return slices.Sorted(maps.Keys(r.images))
}

// targets are the named vectors that a query names.
func targets(params dto.GetParams) []string {
	switch {
	case params.NearVector != nil:
		return params.NearVector.TargetVectors
	case params.NearObject != nil:
		return params.NearObject.TargetVectors
	case params.HybridSearch != nil:
		return params.HybridSearch.TargetVectors
	}
	for _, argument := range params.ModuleParams {
		if named, ok := argument.(interface{ GetTargetVectors() []string }); ok {
			return named.GetTargetVectors()
		}
	}
	return nil
}
