package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"weaviate-colpali/tools/dev/rest"
)

// Sender sends batches, and sends again what the server could not take just then.
type Sender struct {
	target   *Target
	patience time.Duration
	most     atomic.Int64 // objects in one request
}

// NewSender returns a sender of at most so many objects in one request, that goes on for so long while the server
// is busy or away. It may be used by several goroutines.
func (t *Target) NewSender(objects int, patience time.Duration) *Sender {
	s := &Sender{target: t, patience: patience}
	s.most.Store(int64(objects))
	return s
}

// Send sends objects. Of those that the server refuses, failed says why, by id. An error means that the server
// takes nothing any more; which of the objects it holds is unknown then.
func (s *Sender) Send(ctx context.Context, objects []Object) (failed map[string]string, err error) {
	failed = map[string]string{}
	waits, progress := backoff.NewExponentialBackOff(), time.Now()
	for len(objects) > 0 {
		n := min(len(objects), int(s.most.Load()))
		later, busy := s.try(ctx, objects[:n], failed)
		objects = append(later, objects[n:]...)
		if len(later) < n {
			waits.Reset()
			progress = time.Now()
		}
		switch {
		case busy == nil:
			continue
		case !isTemporary(ctx, busy):
			return nil, busy
		case time.Since(progress) > s.patience:
			return nil, fmt.Errorf("the server took nothing for %s: import again with -resume when it does: %w", s.patience, busy)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(waits.NextBackOff()):
		}
	}
	return failed, nil
}

// try sends one request. It returns what must be sent again, and why.
func (s *Sender) try(ctx context.Context, objects []Object, failed map[string]string) (later []Object, busy error) {
	refused, err := s.target.put(ctx, objects)
	if err != nil {
		if isCut(err) {
			s.halve(len(objects))
		}
		return s.missing(ctx, objects), err
	}
	for i, reason := range refused {
		if isBusy(reason) {
			later = append(later, objects[i])
			busy = errBusy(reason)
		} else {
			failed[objects[i].ID()] = reason
		}
	}
	return later, busy
}

// missing are the objects that the server does not hold. A request whose answer did not come is often carried out
// all the same, and a slow model should not do it twice. What an earlier import left there counts as held, too: it is
// the same page of the same file.
func (s *Sender) missing(ctx context.Context, objects []Object) []Object {
	ids := make([]string, len(objects))
	for i, o := range objects {
		ids[i] = o.ID()
	}
	held, err := s.target.Held(ctx, ids)
	if err != nil {
		return slices.Clone(objects)
	}
	return slices.DeleteFunc(slices.Clone(objects), func(o Object) bool { return held[o.ID()] })
}

// halve makes requests smaller: Weaviate ends one that takes longer than 60 seconds (its flag --write-timeout), which
// a large model on a CPU does with a few pages.
func (s *Sender) halve(sent int) {
	for {
		most := s.most.Load()
		if half := int64(max(1, sent/2)); half >= most || s.most.CompareAndSwap(most, half) {
			return
		}
	}
}

// errBusy is what the server said of an object that it may take later.
type errBusy string

func (e errBusy) Error() string { return string(e) }

// busyWords are in the reasons of a server that may take an object later.
var busyWords = []string{
	"vectorizer is busy", "try again later", "429 Too many requests", // its queue is full
	"not enough memory",                       // Weaviate's memory checks
	"the server is starting or shutting down", // our module
	"deadline exceeded", "connection refused", // another node of a cluster
	"no leader", "leader not found", // the cluster elects one
}

func isBusy(reason string) bool {
	return slices.ContainsFunc(busyWords, func(words string) bool { return strings.Contains(reason, words) })
}

// isTemporary tells an error that may pass from one that will not.
func isTemporary(ctx context.Context, err error) bool {
	var status *rest.StatusError
	switch {
	case ctx.Err() != nil:
		return false
	case errors.As(err, &status):
		return status.Code == http.StatusTooManyRequests || status.Code >= 500 || status.Code == http.StatusRequestEntityTooLarge
	}
	return true
}

// isCut tells a request that was too large or took too long from one that never arrived.
func isCut(err error) bool {
	if status, ok := errors.AsType[*rest.StatusError](err); ok {
		return status.Code == http.StatusRequestEntityTooLarge || status.Code == http.StatusGatewayTimeout
	}
	network, ok := errors.AsType[*net.OpError](err)
	return !ok || network.Op != "dial"
}
