package vectorizer_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/processor"
)

func Example() {
	dir := "testdata/colpali-random"
	ctx := context.Background()
	v, err := vectorizer.Open(ctx, os.DirFS(dir), dir, vectorizer.Options{
		Library: os.Getenv("COLPALI_ONNXRUNTIME"),
		Device:  "cpu",
	})
	if err != nil {
		panic(err)
	}
	defer func() { _ = v.Close() }()

	page, err := os.ReadFile(dir + "/golden/letter.png")
	if err != nil {
		panic(err)
	}
	pages, err := v.EmbedPages(ctx, [][]byte{page, []byte("no image")})
	if err != nil {
		panic(err)
	}
	fmt.Println(len(pages[0].Vectors), "vectors of", len(pages[0].Vectors[0]))
	fmt.Println(errors.Is(pages[1].Err, processor.ErrNotImage))

	queries, err := v.EmbedQueries(ctx, []string{"revenue of 2023"})
	if err != nil {
		panic(err)
	}
	fmt.Println(queries[0].Err, len(queries[0].Vectors) > 10)
	// Output:
	// 1030 vectors of 128
	// true
	// <nil> true
}
