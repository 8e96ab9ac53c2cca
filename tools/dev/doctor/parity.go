package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"

	"weaviate-colpali/tools/dev/trial"
	"weaviate-colpali/vectorizer"
)

const (
	// tolerance of one value of a vector in float32 on a CPU: 4e-7 was measured, other CPUs sum in other orders.
	tolerance = 2e-5
	// halfTolerance is for other devices, which may compute in TF32, and for models that compute in half precision:
	// in bfloat16 8e-3 was measured on a random model.
	halfTolerance = 2e-2
	// maxGoldenBytes of one file: a page of ColPali has 527 KB.
	maxGoldenBytes = 64 << 20
)

var errParity = errors.New("vectors differ from the goldens in the folder: another graph, prompt or precision than was exported")

// golden is golden/golden.json, which the exporter and tools/dev/goldens write.
type golden struct {
	Pages []struct {
		File       string `json:"file"`
		Rows       []int  `json:"rows"`
		Embeddings string `json:"embeddings"`
	} `json:"pages"`
	Queries []struct {
		Text string `json:"text"`
	} `json:"queries"`
	QueryEmbeddings string `json:"query_embeddings"`
}

// parity compares the model's vectors with those that its reference gave for the pages and queries in golden/.
func parity(ctx context.Context, w io.Writer, v *vectorizer.Vectorizer, model fs.FS) error {
	content, err := readGolden(model, "golden.json")
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(w, "parity    unknown: the folder has no golden/golden.json")
		return nil
	}
	if err != nil {
		return err
	}
	var g golden
	if err := json.Unmarshal(content, &g); err != nil {
		return fmt.Errorf("golden/golden.json: %w", err)
	}
	pages, err := pagesDifference(ctx, v, model, g)
	if err != nil {
		return err
	}
	queries, err := queriesDifference(ctx, v, model, g)
	if err != nil {
		return err
	}
	limit := halfTolerance
	if v.Model().Provider == "CPUExecutionProvider" && v.Model().Precision == "float32" {
		limit = tolerance
	}
	fmt.Fprintf(w, "parity    largest difference %.1e in %d pages, %.1e in %d queries; %.0e is allowed\n",
		pages, len(g.Pages), queries, len(g.Queries), limit)
	if pages > limit || queries > limit {
		return errParity
	}
	return nil
}

func pagesDifference(ctx context.Context, v *vectorizer.Vectorizer, model fs.FS, g golden) (float64, error) {
	largest := 0.0
	for _, page := range g.Pages {
		blob, err := readGolden(model, page.File)
		if err != nil {
			return 0, err
		}
		want, err := readFloats(model, page.Embeddings)
		if err != nil {
			return 0, err
		}
		embeddings, err := v.EmbedPages(ctx, [][]byte{blob})
		if err := trial.Failure(embeddings, err); err != nil {
			return 0, fmt.Errorf("golden/%s: %w", page.File, err)
		}
		var rows [][]float32
		for _, row := range page.Rows {
			if row < 0 || row >= len(embeddings[0].Vectors) {
				return 0, fmt.Errorf("golden/golden.json: %s has row %d, the model gives %d", page.File, row, len(embeddings[0].Vectors))
			}
			rows = append(rows, embeddings[0].Vectors[row])
		}
		difference, err := compare(page.Embeddings, want, rows)
		if err != nil {
			return 0, err
		}
		largest = max(largest, difference)
	}
	return largest, nil
}

func queriesDifference(ctx context.Context, v *vectorizer.Vectorizer, model fs.FS, g golden) (float64, error) {
	if len(g.Queries) == 0 {
		return 0, nil
	}
	want, err := readFloats(model, g.QueryEmbeddings)
	if err != nil {
		return 0, err
	}
	var texts []string
	for _, query := range g.Queries {
		texts = append(texts, query.Text)
	}
	embeddings, err := v.EmbedQueries(ctx, texts)
	if err := trial.Failure(embeddings, err); err != nil {
		return 0, fmt.Errorf("golden queries: %w", err)
	}
	var rows [][]float32
	for _, e := range embeddings {
		rows = append(rows, e.Vectors...)
	}
	return compare(g.QueryEmbeddings, want, rows)
}

// compare returns the largest difference between the values of a golden file and vectors.
func compare(name string, want []float32, vectors [][]float32) (float64, error) {
	largest := 0.0
	for _, vector := range vectors {
		if len(want) < len(vector) {
			return 0, fmt.Errorf("golden/%s has fewer vectors than the model gives: %w", name, errParity)
		}
		for i, value := range vector {
			difference := math.Abs(float64(value) - float64(want[i]))
			if math.IsNaN(difference) {
				return 0, fmt.Errorf("golden/%s has a value that is not a number", name)
			}
			largest = max(largest, difference)
		}
		want = want[len(vector):]
	}
	if len(want) > 0 {
		return 0, fmt.Errorf("golden/%s has %d values more than the model gives: %w", name, len(want), errParity)
	}
	return largest, nil
}

func readFloats(model fs.FS, name string) ([]float32, error) {
	content, err := readGolden(model, name)
	if err != nil {
		return nil, err
	}
	values := make([]float32, len(content)/4)
	_, err = binary.Decode(content, binary.LittleEndian, values)
	return values, err
}

// readGolden reads a file of the folder golden/, of bounded size.
func readGolden(model fs.FS, name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("golden/golden.json names the file %q, which is not in golden/", name)
	}
	file, err := model.Open(path.Join("golden", name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxGoldenBytes+1))
	if err == nil && len(content) > maxGoldenBytes {
		err = fmt.Errorf("golden/%s is larger than %d bytes", name, maxGoldenBytes)
	}
	return content, err
}
