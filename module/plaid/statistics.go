package plaid

import (
	"sync"

	"github.com/sirupsen/logrus"

	"weaviate-colpali/multivector"
)

// opened is the indexes that are open in this process.
var opened = struct {
	sync.RWMutex
	indexes map[*multivector.Index]struct{}
}{indexes: map[*multivector.Index]struct{}{}}

// Totals is what `/v1/meta` says about the indexes of this node: those of loaded
// shards, all together. Everybody who may connect reads it, so that it names no
// collection, and no tenant. It takes 2.5 µs for an index whose head is 512 parts, and
// waits for whoever writes to one.
func Totals() map[string]any {
	opened.RLock()
	defer opened.RUnlock()
	var total multivector.Statistics
	for documents := range opened.indexes {
		total = total.Plus(documents.Statistics())
	}
	return map[string]any{
		"indexes":          len(opened.indexes),
		"documents":        total.Documents,
		"documentsWaiting": total.Waiting,
		"fileBytes":        total.FileBytes,
		"filesSetAside":    total.SetAside,
	}
}

// tellFrom is how many documents make the opening and the closing of an index worth
// a line in the log: there may be thousands of smaller ones, one a tenant.
const tellFrom = 1000

// tell writes how an index is to the log.
func tell(logger logrus.FieldLogger, action, message string, s multivector.Statistics) {
	fields := logrus.Fields{"action": action}
	for _, g := range gauges {
		fields[g.name] = g.of(s)
	}
	logger = logger.WithFields(fields)
	if s.Documents >= tellFrom || s.SetAside > 0 {
		logger.Info(message)
	} else {
		logger.Debug(message)
	}
}

// enter counts an index that opened.
func (x *Index) enter() {
	opened.Lock()
	defer opened.Unlock()
	opened.indexes[x.documents] = struct{}{}
}

// leave forgets an index that is closed. It may be called again.
func (x *Index) leave() {
	opened.Lock()
	_, first := opened.indexes[x.documents]
	delete(opened.indexes, x.documents)
	opened.Unlock()
	if first {
		x.metrics.closed()
	}
}
