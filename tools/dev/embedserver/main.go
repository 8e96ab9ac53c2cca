// Command embedserver gives a Weaviate that nobody patched the vectors of ColPali: it speaks the protocol that
// Weaviate's own module multi2multivec-jinaai asks for them by (package jinaai).
//
//	make embed-server PORT=8100 MODEL_DIR=/models/colpali-v1.3
//
// What runs, and where, is said by the server's own variables (COLPALI_MODEL_DIR, COLPALI_DEVICE, ...). With
// COLPALI_EMBED_KEY only requests with that bearer token are answered; listening beyond loopback needs it. There is
// no TLS: what listens beyond loopback belongs behind a proxy that has it, or into a network of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"weaviate-colpali/config"
	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/jinaai"
	"weaviate-colpali/vectorizer/metrics"
	"weaviate-colpali/vectorizer/operator"
)

// keyVariable is not among config's: the database has no use for it.
const keyVariable = "COLPALI_EMBED_KEY"

// Deadlines of connections. A page takes as long as it takes; whoever waits for it may leave.
const (
	headersWithin = 10 * time.Second
	bodyWithin    = time.Minute
	// idleFor is longer than the 90 seconds for which Weaviate keeps a connection: the side that closes it first
	// can lose a request that is on its way.
	idleFor = 2 * time.Minute
	// stopWithin is for the requests under way once the server is asked to end.
	stopWithin = 30 * time.Second
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8100", "address to listen on; beyond loopback "+keyVariable+" must be set")
	var keep vectorizer.Reduction
	flag.BoolVar(&keep.DropNonImage, "drop-non-image", false, "keep only the vectors of patches, as dropNonImage does")
	flag.IntVar(&keep.PoolFactor, "pool", 1, "pool pages as a collection with this poolFactor does")
	flag.Parse()
	if keep.PoolFactor < 1 || keep.PoolFactor > config.MaxPoolFactor {
		fmt.Fprintf(os.Stderr, "embedserver: -pool is %d; it must be a whole number from 1 to %d\n", keep.PoolFactor, config.MaxPoolFactor)
		os.Exit(2)
	}
	if err := run(*listen, os.Getenv(keyVariable), keep); err != nil {
		fmt.Fprintln(os.Stderr, "embedserver:", err)
		os.Exit(1)
	}
}

// run blocks until a signal asks for the end.
func run(address, key string, keep vectorizer.Reduction) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	settings, err := config.RuntimeFromEnv(os.LookupEnv)
	if err != nil {
		return err
	}
	listener, err := listen(address, key)
	if err != nil {
		return err
	}
	defer listener.Close()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	counts := metrics.New()
	v, demo, err := operator.Open(ctx, settings, counts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	counts.Runs(v)
	shown, err := show(counts)
	if err != nil {
		return err
	}
	announce(log, v.Model(), demo, listener.Addr())
	return serve(ctx, listener, jinaai.New(counted{v, counts}, jinaai.Options{
		Key: key, MaxImageBytes: settings.MaxImageBytes, Memory: int64(settings.MaxImageMemory) << 20, Keep: keep, Metrics: shown, Log: log,
	}))
}

// listen wants a key where others than this machine can connect.
func listen(address, key string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("-listen: %w", err)
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); key == "" && (!ok || !tcp.IP.IsLoopback()) {
		return nil, errors.Join(fmt.Errorf("-listen %s is open to others than this machine: set %s, which Weaviate then needs as its JINAAI_APIKEY, "+
			"or listen on 127.0.0.1", address, keyVariable), listener.Close())
	}
	return listener, nil
}

// announce says what runs and what a collection has to say to get it.
func announce(log *slog.Logger, running vectorizer.Model, demo bool, address net.Addr) {
	log.Info("ready", "baseURL", "http://"+address.String(), "model", running.Name, "manifest", running.ManifestHash,
		"provider", running.Provider, "onnxruntime", running.RuntimeVersion, "library", running.Library)
	for _, why := range running.PassedOver {
		log.Info("a device that did not work", "why", why)
	}
	if running.Adopted != nil {
		log.Warn("the model folder has no colpali.json: it was made from what lies there; `make adopt` writes it down",
			"preset", running.Source["preset"], "decisions", strings.Join(running.Adopted, "; "))
	}
	if demo {
		log.Warn("this is the embedded demo model: set COLPALI_MODEL_DIR for a real one")
	}
}

// serve answers until ctx ends, and then lets the requests under way finish.
func serve(ctx context.Context, listener net.Listener, handler *jinaai.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headersWithin, ReadTimeout: bodyWithin, IdleTimeout: idleFor, MaxHeaderBytes: 64 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	handler.Leave()
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err := server.Shutdown(late); err != nil {
		return errors.Join(fmt.Errorf("requests were cut off after %s: %w", stopWithin, err), server.Close())
	}
	return nil
}
