// Command import gets PDFs, images and folders of them into a collection of a server with ColPali: every page
// becomes an object with its image, its vectors, and the text that its PDF has for it.
//
//	make import FILES="scans/*.pdf" COLLECTION=Page
//
// It can be stopped and started as often as one likes: a page has the same id at every import, and with -resume those
// that the server holds are not sent again. The key for the server is read from WEAVIATE_API_KEY. The exit status is 1
// when a page or a file failed, whatever became of the others, or the import was interrupted, and 2 when something is
// wrong with the arguments, the server or the collection.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"weaviate-colpali/tools/dev/import/pages"
)

// memoryLimit makes the garbage collector work harder above it. PDFium's memory is Go's here, and what a page
// leaves behind would otherwise grow to twice what is in use.
const memoryLimit = 320 << 20

// options are the flags and arguments of the command.
type options struct {
	paths      []string
	url        string
	collection string
	tenant     string
	resume     bool
	dryRun     bool
	report     string
	workers    int
	batch      int
	batchBytes int
	patience   time.Duration
	pages      pages.Options
}

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	o, err := parse(os.Args[1:])
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = run(ctx, o, os.Stdout)
		stop()
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "import:", err)
	}
	os.Exit(exitStatus(err))
}

func exitStatus(err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errFailed), errors.Is(err, context.Canceled):
		return 1
	}
	return 2
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("import", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: import [flags] FILE or FOLDER ...")
		flags.PrintDefaults()
	}
	flags.StringVar(&o.url, "url", "http://localhost:8080", "the `server`; its key is read from WEAVIATE_API_KEY")
	flags.StringVar(&o.collection, "collection", "Page", "the collection; it is created if it is missing")
	flags.StringVar(&o.tenant, "tenant", "", "the tenant, of a collection with tenants; it is created if it is missing")
	flags.BoolVar(&o.resume, "resume", false, "send only pages that the server does not hold")
	flags.BoolVar(&o.dryRun, "dry-run", false, "list what would be imported, and ask no server")
	flags.StringVar(&o.report, "report", "import-report.jsonl", "the `file` that gets a line of JSON for each file and page")
	flags.IntVar(&o.workers, "workers", max(1, min(4, runtime.NumCPU()/2)), "pages rendered at once, 1 to 64")
	flags.IntVar(&o.batch, "batch", 16, "pages in one request at most, 1 to 1000")
	flags.IntVar(&o.batchBytes, "batch-bytes", 8<<20, "bytes of images in one request at most, but for a larger page")
	flags.DurationVar(&o.patience, "patience", 5*time.Minute, "how long to go on while the server is busy or away")
	flags.IntVar(&o.pages.Size, "size", 1536, "`pixels` of the longer side of a rendered page, 64 to 8192")
	flags.StringVar((*string)(&o.pages.Format), "format", string(pages.Auto), "of rendered pages: jpeg, png, or auto: png where it is small")
	flags.DurationVar(&o.pages.PageTimeout, "page-timeout", time.Minute, "how long one page may take to render")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	o.paths, o.pages.Readers = flags.Args(), o.workers
	return o, o.check()
}

// check bounds what a typing error could turn into hours or gigabytes.
func (o options) check() error {
	switch {
	case len(o.paths) == 0:
		return errors.New("no file or folder is named: import [flags] FILE or FOLDER ...; -help lists the flags")
	case o.pages.Size < 64 || o.pages.Size > 8192:
		return fmt.Errorf("-size is %d: it may be 64 to 8192 pixels", o.pages.Size)
	case !slices.Contains([]pages.Format{pages.Auto, pages.JPEG, pages.PNG}, o.pages.Format):
		return fmt.Errorf("-format is %q: it may be auto, jpeg or png", o.pages.Format)
	case o.workers < 1 || o.workers > 64:
		return fmt.Errorf("-workers is %d: it may be 1 to 64", o.workers)
	case o.batch < 1 || o.batch > 1000:
		return fmt.Errorf("-batch is %d: it may be 1 to 1000 pages", o.batch)
	case o.batchBytes < 1 || o.batchBytes > 256<<20:
		return fmt.Errorf("-batch-bytes is %d: it may be 1 to %d", o.batchBytes, 256<<20)
	case o.pages.PageTimeout <= 0 || o.patience < 0:
		return errors.New("-page-timeout must be more than 0, and -patience not less")
	}
	return nil
}

// run is the import: look at the files, check the server, send the pages.
func run(ctx context.Context, o options, w io.Writer) (err error) {
	engine := pages.NewEngine(o.pages)
	defer func() { err = errors.Join(err, engine.Close()) }()
	p, err := makePlan(ctx, engine, o, w)
	if err != nil {
		return err
	}
	p.print(w, o.dryRun)
	if o.dryRun {
		return p.failure()
	}
	to, err := connect(ctx, o)
	if err != nil {
		return err
	}
	r, err := newReport(o.report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	p.tell(r)
	i := importer{options: o, engine: engine, target: to, report: r, progress: newProgress(w, p.pages, "pages")}
	err = i.run(ctx, p.documents)
	i.progress.end()
	r.print(w, o.report)
	if err == nil {
		err = r.failure()
	}
	return err
}
