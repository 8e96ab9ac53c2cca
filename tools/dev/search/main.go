// Command search serves a page to search with: ask, see the pages that answer, and where on them each word
// matched. It listens on loopback alone and asks the user's Weaviate with the user's key, which never reaches
// the browser.
//
//	make search URL=http://localhost:8080 COLLECTION=Page
//
// The key is read from WEAVIATE_API_KEY. Whoever can connect to loopback on this machine searches with it, and can do
// nothing else with it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"weaviate-colpali/tools/dev/rest"
)

// options are the flags of the command.
type options struct {
	url        string
	collection string
	port       int
}

func main() {
	var o options
	flag.StringVar(&o.url, "url", "http://localhost:8080", "the Weaviate to search; its API key is taken from WEAVIATE_API_KEY")
	flag.StringVar(&o.collection, "collection", "", "collection to begin with (default: the first that this module vectorizes)")
	flag.IntVar(&o.port, "port", 8090, "port of the page on 127.0.0.1; 0 takes a free one")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "search:", err)
		os.Exit(1)
	}
}

// The page's requests are small and its answers are not: a hundred results with their maps are a megabyte.
const (
	readTimeout  = 10 * time.Second
	writeTimeout = askTimeout + 30*time.Second
	stopTimeout  = 2 * time.Second
)

// run serves the page until a signal asks it to end.
func run(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	client, err := rest.Connect(o.url, os.Getenv("WEAVIATE_API_KEY"))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.port)))
	if err != nil {
		return fmt.Errorf("%w: choose another port with SEARCH_PORT", err)
	}
	address := listener.Addr().String()
	server := &http.Server{
		Handler:     newSite(client, o.url, o.collection).handler(address),
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
	}
	fmt.Fprintf(os.Stderr, "search: open http://%s; it asks %s; Ctrl-C stops it\n", address, o.url)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return errors.Join(end(server), ignoreClosed(<-ended))
	}
}

// end lets requests end, and cuts what is left: browsers hold connections on which they never asked, and nothing that
// is asked here writes.
func end(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close()
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
