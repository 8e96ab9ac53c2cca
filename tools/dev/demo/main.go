// Command demo shows the whole product on the sample pages: it starts the drop-in server, creates a
// collection, imports page images as blobs, asks questions in words and shows which page answers
// each one and where on it.
//
//	make demo
//
// It runs on the embedded demo model, a tiny reader of printed English; see vectorizer/tinymodel for
// what that model can and cannot do. The exit status is 1 when a question gets a wrong first page.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"weaviate-colpali/tools/dev/launch"
	"weaviate-colpali/tools/dev/rest"
)

// options are the flags of the command.
type options struct {
	server string // the drop-in server
	pages  string // folder of the sample pages
	out    string // folder of the results; data of an earlier run in it is replaced
}

func main() {
	var o options
	flag.StringVar(&o.server, "server", "bin/weaviate-colpali", "the drop-in server")
	flag.StringVar(&o.pages, "pages", "tools/dev/demo/pages", "folder of the sample pages")
	flag.StringVar(&o.out, "o", "build/demo", "folder for the server's data, its log and the results page")
	flag.Parse()
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run is the demo: five steps, each shown with its time.
func run(o options, w io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	set, err := loadSamples(o.pages)
	if err != nil {
		return err
	}
	server, err := startServer(ctx, o, w)
	if err != nil {
		return err
	}
	defer func() {
		if err := server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "demo:", err)
		}
	}()
	c := collection{client: rest.New(server.HTTP)}

	step(w, "create the collection %s", className)
	if err := c.create(ctx); err != nil {
		return err
	}
	step(w, "import %d page images", len(set.pages))
	if err := c.importPages(ctx, set.pages, newProgress(w, len(set.pages))); err != nil {
		return err
	}
	step(w, "ask %d questions", len(set.questions))
	answers, err := askAll(ctx, c, set, w)
	if err != nil {
		return err
	}
	step(w, "write the results page")
	report, err := writeReport(o.out, answers)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "   open %s\n\n", report)
	return verdict(w, answers)
}

// startServer replaces what an earlier demo left and starts a server on free ports.
func startServer(ctx context.Context, o options, w io.Writer) (*launch.Server, error) {
	step(w, "start the server")
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return nil, err
	}
	data := filepath.Join(o.out, "data")
	if err := os.RemoveAll(data); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(o.out, "server.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() // the server process holds its own copy
	started := time.Now()
	server, err := launch.Start(ctx, launch.Options{Binary: o.server, DataDir: data, Log: log})
	if err != nil {
		return nil, fmt.Errorf("%w: see %s", err, log.Name())
	}
	fmt.Fprintf(w, "   ready after %.1f s: REST on http://%s, gRPC on %s, log in %s\n",
		time.Since(started).Seconds(), server.HTTP, server.GRPC, log.Name())
	return server, nil
}

// verdict says how many first pages were right and fails when one was not.
func verdict(w io.Writer, answers []answer) error {
	wrong := 0
	for _, a := range answers {
		if !a.right() {
			wrong++
		}
	}
	fmt.Fprintf(w, "%d of %d questions got a right page first\n", len(answers)-wrong, len(answers))
	if wrong > 0 {
		return fmt.Errorf("%d questions got a wrong page first", wrong)
	}
	return nil
}

func step(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, "-- "+format+"\n", args...)
}
