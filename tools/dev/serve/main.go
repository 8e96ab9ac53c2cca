// Command serve runs the drop-in server in the foreground for anybody's own client.
//
//	make serve HTTP_PORT=8080 GRPC_PORT=50051 DATA_DIR=./data MODEL_DIR=...
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"weaviate-colpali/tools/dev/launch"
)

func main() {
	o := launch.Options{Log: os.Stderr}
	flag.StringVar(&o.Binary, "server", "bin/weaviate-colpali", "the drop-in server")
	flag.StringVar(&o.DataDir, "data", "data", "folder of objects, indexes and schema")
	flag.StringVar(&o.ModelDir, "model", "", "model folder (default: the embedded demo model)")
	flag.IntVar(&o.HTTPPort, "http", 8080, "port of REST and GraphQL")
	flag.IntVar(&o.GRPCPort, "grpc", 50051, "port of gRPC")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

// run blocks until the server ends by itself or a signal asks for it.
func run(o launch.Options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := launch.Start(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "serve: ready; REST and GraphQL on http://%s, gRPC on %s, objects in %s; Ctrl-C stops it\n",
		server.HTTP, server.GRPC, o.DataDir)
	select {
	case <-ctx.Done():
		return server.Stop()
	case <-server.Exited():
		return fmt.Errorf("the server ended: %w", server.Err())
	}
}
