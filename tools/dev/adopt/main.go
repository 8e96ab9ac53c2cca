// Command adopt writes colpali.json into a model folder that another exporter wrote, and says what it decided.
//
//	go run ./tools/dev/adopt [-graph FILE] [-preset NAME] [-overwrite] MODEL_FOLDER
//
// A server decides the same by itself when the file is missing. Written down, it can be read and changed, a server starts
// after reading every file once more to compare it, and another version of this program cannot decide otherwise. The exit
// status is 1 when the folder cannot be adopted, 2 when the arguments are wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"

	"weaviate-colpali/vectorizer"
)

const manifestFile = "colpali.json"

func main() {
	var choice vectorizer.AdoptChoice
	flag.StringVar(&choice.Graph, "graph", "", "the graph to use where the folder has more than one")
	flag.StringVar(&choice.Preset, "preset", "", "the prompt to use, such as colpali-question, instead of the layout's own")
	overwrite := flag.Bool("overwrite", false, "replace a "+manifestFile+" that is there")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: adopt [-graph FILE] [-preset NAME] [-overwrite] MODEL_FOLDER")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, flag.Arg(0), choice, *overwrite); err != nil {
		fmt.Fprintln(os.Stderr, "adopt:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

func run(ctx context.Context, w io.Writer, dir string, choice vectorizer.AdoptChoice, overwrite bool) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	// It fails only where it was closed before.
	defer func() { _ = root.Close() }()
	if _, err := root.Lstat(manifestFile); !errors.Is(err, fs.ErrNotExist) && !overwrite {
		return fmt.Errorf("%s is there already, and collections may know its hash: -overwrite (make adopt OVERWRITE=1) replaces it",
			filepath.Join(dir, manifestFile))
	}
	adoption, err := vectorizer.Adopt(ctx, root.FS(), choice)
	if err != nil {
		return err
	}
	for _, decision := range adoption.Decisions {
		fmt.Fprintln(w, decision)
	}
	if err := write(root, adoption.Manifest); err != nil {
		return err
	}
	fmt.Fprintf(w, "wrote %s; `go run ./tools/dev/doctor %s` runs the model\n", filepath.Join(dir, manifestFile), dir)
	return nil
}

// write leaves the old file or the new one, whatever happens.
func write(root *os.Root, content []byte) error {
	const half = manifestFile + ".new"
	if err := root.WriteFile(half, content, 0o644); err != nil {
		return err
	}
	return root.Rename(half, manifestFile)
}
