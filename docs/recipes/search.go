// Pages found by question, by question and filter, by question and words; and where a page matched.
//
// WEAVIATE_HTTP, WEAVIATE_GRPC and WEAVIATE_API_KEY say which server (default: `make serve`). It can be run again: the
// same pages keep their ids. The exit status is 1 when a page is not found.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-openapi/strfmt"
	"github.com/google/uuid"
	"github.com/weaviate/weaviate-go-client/v5/weaviate"
	"github.com/weaviate/weaviate-go-client/v5/weaviate/auth"
	"github.com/weaviate/weaviate-go-client/v5/weaviate/filters"
	"github.com/weaviate/weaviate-go-client/v5/weaviate/graphql"
	"github.com/weaviate/weaviate-go-client/v5/weaviate/grpc"
	"github.com/weaviate/weaviate/entities/models"
)

const (
	collection = "GoPage"
	pagesDir   = "../../tools/dev/demo/pages"
)

type object = map[string]any

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "search:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	client, err := connect()
	if err != nil {
		return err
	}
	if err := create(ctx, client); err != nil {
		return err
	}
	if err := importPages(ctx, client); err != nil {
		return err
	}
	if err := search(ctx, client); err != nil {
		return err
	}
	return heatmap(ctx, client, "operating profit", "heatmap-go.png")
}

func connect() (*weaviate.Client, error) {
	config := weaviate.Config{
		Scheme:     "http",
		Host:       env("WEAVIATE_HTTP", "localhost:8080"),
		GrpcConfig: &grpc.Config{Host: env("WEAVIATE_GRPC", "localhost:50051")},
	}
	if key := os.Getenv("WEAVIATE_API_KEY"); key != "" {
		config.AuthConfig = auth.ApiKey{Value: key}
	}
	return weaviate.NewClient(config)
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func create(ctx context.Context, client *weaviate.Client) error {
	exists, err := client.Schema().ClassExistenceChecker().WithClassName(collection).Do(ctx)
	if err != nil || exists {
		return err
	}
	return client.Schema().ClassCreator().WithClass(&models.Class{
		Class: collection,
		Properties: []*models.Property{
			{Name: "file", DataType: []string{"text"}, Tokenization: "field"},
			{Name: "title", DataType: []string{"text"}},
			{Name: "licence", DataType: []string{"text"}, Tokenization: "field"},
			{Name: "text", DataType: []string{"text"}},
			{Name: "page", DataType: []string{"blob"}},
		},
		VectorConfig: map[string]models.VectorConfig{"colpali": {
			Vectorizer:        object{"multi2multivec-colpali": object{"imageFields": []string{"page"}}},
			VectorIndexType:   "hnsw",
			VectorIndexConfig: object{"multivector": object{"enabled": true, "plaid": object{"enabled": true}}},
		}},
	}).Do(ctx)
}

// page is an entry of pages.json, which has the words of each page, as a PDF's text layer would.
type page struct {
	File, Title, Licence string
	Words                []struct{ Text string }
}

func importPages(ctx context.Context, client *weaviate.Client) error {
	list, err := os.ReadFile(filepath.Join(pagesDir, "pages.json"))
	if err != nil {
		return err
	}
	var pages []page
	if err := json.Unmarshal(list, &pages); err != nil {
		return err
	}
	for batch := range slices.Chunk(pages, 8) {
		batcher := client.Batch().ObjectsBatcher()
		for _, p := range batch {
			o, err := p.object()
			if err != nil {
				return err
			}
			batcher = batcher.WithObjects(o)
		}
		answers, err := batcher.Do(ctx)
		if err != nil {
			return err
		}
		for _, a := range answers {
			if a.Result.Errors != nil {
				return fmt.Errorf("import %s: %s", a.ID, a.Result.Errors.Error[0].Message)
			}
		}
	}
	fmt.Fprintf(os.Stdout, "%d pages are in %s\n", len(pages), collection)
	return nil
}

func (p page) object() (*models.Object, error) {
	image, err := os.ReadFile(filepath.Join(pagesDir, p.File))
	if err != nil {
		return nil, err
	}
	words := make([]string, len(p.Words))
	for i, word := range p.Words {
		words[i] = word.Text
	}
	return &models.Object{
		Class: collection,
		ID:    strfmt.UUID(uuid.NewSHA1(uuid.NameSpaceDNS, []byte(p.File)).String()),
		Properties: object{
			"file": p.File, "title": p.Title, "licence": p.Licence,
			"text": strings.Join(words, " "),
			"page": base64.StdEncoding.EncodeToString(image),
		},
	}, nil
}

func search(ctx context.Context, client *weaviate.Client) error {
	get := func() *graphql.GetBuilder {
		return client.GraphQL().Get().WithClassName(collection).WithFields(graphql.Field{Name: "file"}).WithLimit(3)
	}
	near := func(question string) *graphql.NearTextArgumentBuilder {
		return client.GraphQL().NearTextArgBuilder().WithConcepts([]string{question})
	}
	hybrid := client.GraphQL().HybridArgumentBuilder().WithQuery("sweet batter").WithProperties([]string{"text"})
	postgres := filters.Where().WithPath([]string{"licence"}).WithOperator(filters.Equal).WithValueText("PostgreSQL")

	return errors.Join(
		expect(ctx, "nearText", get().WithNearText(near("operating profit")), "income-statement.png"),
		expect(ctx, "filter", get().WithNearText(near("character set")).WithWhere(postgres), "document-11.png"),
		expect(ctx, "hybrid", get().WithHybrid(hybrid), "pancakes.png"),
	)
}

// expect prints the files of an answer. It is an error if this one is not the first.
func expect(ctx context.Context, what string, get *graphql.GetBuilder, first string) error {
	var answer struct {
		Get map[string][]struct{ File string }
	}
	if err := decode(get.Do(ctx))(&answer); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	var files []string
	for _, hit := range answer.Get[collection] {
		files = append(files, hit.File)
	}
	fmt.Fprintf(os.Stdout, "%s: %s\n", what, strings.Join(files, ", "))
	if len(files) == 0 || files[0] != first {
		return fmt.Errorf("%s: expected %s first", what, first)
	}
	return nil
}

// heatmap writes the best page with the map of its similarity to the question painted over it.
func heatmap(ctx context.Context, client *weaviate.Client, question, path string) error {
	var answer struct {
		Get map[string][]struct {
			File       string
			Additional struct {
				ColPali struct {
					Map struct {
						Width, Height int
						Values        []float64
					}
					Image  []byte // JSON carries it as base64
					Reason string
				}
			} `json:"_additional"`
		}
	}
	query := fmt.Sprintf(`{ Get { %s(nearText: {concepts: [%q]}, limit: 1) { file _additional {
		colpali(format: PNG) { map { width height values } image reason } } } } }`, collection, question)
	if err := decode(client.GraphQL().Raw().WithQuery(query).Do(ctx))(&answer); err != nil {
		return fmt.Errorf("heatmap: %w", err)
	}
	hit := answer.Get[collection][0]
	why := hit.Additional.ColPali
	if len(why.Image) == 0 {
		return fmt.Errorf("heatmap: no picture: %s", why.Reason)
	}
	if err := os.WriteFile(path, why.Image, 0o644); err != nil {
		return err
	}
	best := slices.Index(why.Map.Values, slices.Max(why.Map.Values))
	fmt.Fprintf(os.Stdout, "heatmap: %s is warmest at column %d and row %d of %d x %d patches; the picture is in %s\n",
		hit.File, best%why.Map.Width, best/why.Map.Width, why.Map.Width, why.Map.Height, path)
	return nil
}

// decode turns a GraphQL answer into a struct; errors come with status 200.
func decode(response *models.GraphQLResponse, err error) func(into any) error {
	return func(into any) error {
		if err != nil {
			return err
		}
		if len(response.Errors) > 0 {
			return errors.New(response.Errors[0].Message)
		}
		encoded, err := json.Marshal(response.Data)
		if err != nil {
			return err
		}
		return json.Unmarshal(encoded, into)
	}
}
