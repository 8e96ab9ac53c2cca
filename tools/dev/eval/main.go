// Command eval measures how well a model finds the pages of a retrieval set, and how fast.
//
//	go run ./tools/dev/eval [-model MODEL_FOLDER] [-pool 3] [-json] SET_FOLDER
//
// A set is a folder in one of three layouts: BEIR's, with page images beside it; the tables of ViDoRe v2 and v3
// (corpus, queries, qrels), or the one table of ViDoRe v1, both as parquet files, as their repositories hold them.
// Every page is scored for every query by exact MaxSim. The device and the library are chosen by the server's own
// variables (COLPALI_DEVICE, COLPALI_ONNXRUNTIME, ...).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"weaviate-colpali/config"
	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/operator"
	"weaviate-colpali/vectorizer/tinymodel"
)

// options of one evaluation.
type options struct {
	model        string
	language     string
	poolFactor   int
	dropNonImage bool
	json         bool
}

func main() {
	var o options
	flag.StringVar(&o.model, "model", "", "model folder; left out: the embedded demo model")
	flag.StringVar(&o.language, "language", "", "only queries whose column language says so")
	flag.IntVar(&o.poolFactor, "pool", 1, "pool pages as a collection with this poolFactor does")
	flag.BoolVar(&o.dropNonImage, "drop-non-image", false, "keep only the vectors of patches, as dropNonImage does")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: eval [flags] SET_FOLDER")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 || o.poolFactor < 1 || o.poolFactor > config.MaxPoolFactor {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, flag.Arg(0), o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "eval:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, dir string, o options) (err error) {
	s, err := open(dir, o.language)
	if err != nil {
		return err
	}
	v, err := openModel(ctx, o.model)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	r, err := evaluate(ctx, v, s, o)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if o.json {
		return json.NewEncoder(w).Encode(r)
	}
	fmt.Fprintf(w, "%s on %s: %d pages (%d vectors each), %d queries\n", r.Model, r.Provider, r.Pages, r.VectorsPerPage, r.Queries)
	fmt.Fprintf(w, "nDCG@5 %.4f  recall@1 %.4f  recall@5 %.4f  recall@10 %.4f  MRR %.4f\n", r.NDCG5, r.Recall1, r.Recall5, r.Recall10, r.MRR)
	fmt.Fprintf(w, "%.2f pages/s, %.2f queries/s embedded\n", r.PagesPerSecond, r.QueriesPerSecond)
	return nil
}

func openModel(ctx context.Context, dir string) (*vectorizer.Vectorizer, error) {
	settings, err := config.RuntimeFromEnv(os.LookupEnv)
	if err != nil {
		return nil, err
	}
	files := tinymodel.FS()
	if dir != "" {
		files = os.DirFS(dir)
	}
	return vectorizer.Open(ctx, files, dir, operator.Options(settings, nil))
}
