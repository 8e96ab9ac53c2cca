package acceptance

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/test/acceptance/server"
)

// `make kills` asks for 240 rounds.
var (
	rounds   = flag.Int("rounds", 8, "how many times TestKilled kills a server and looks at what is left")
	killSeed = flag.Uint64("seed", 0, "of TestKilled; 0: another one in every run, which is printed")
)

// Sizes of the collection that is changed while its server dies.
const (
	writers = 3
	// A writer keeps some 800 objects: with 2,000 documents the index trains its centroids.
	fewest, most = 800, 1000
	// An upheaval replaces so many objects of each writer by such of a new topic that the index
	// writes and merges files, finds that its centroids do not fit any more, and trains new ones.
	upheaval = 300
)

// TestKilled kills the server with SIGKILL, at moments that are chosen at random around everything
// that the index does, while objects are imported, updated and deleted. After each restart what was
// acknowledged must be there and nothing that was deleted, and the index must answer as brute force
// over the stored objects does, whatever became of the operations that the kill has cut. What the
// dead server has left of the index must be sound, file by file.
func TestKilled(t *testing.T) {
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	for i, indexing := range []string{"synchronous", "asynchronous"} {
		t.Run(indexing, func(t *testing.T) {
			t.Parallel() // a server that starts waits more than it works
			testKilled(t, seed, (*rounds+1-i)/2, map[string]string{"ASYNC_INDEXING": fmt.Sprint(i == 1)})
		})
	}
}

func testKilled(t *testing.T, seed uint64, rounds int, env map[string]string) {
	k := newKilled(t, seed, env)
	began, round := time.Now(), 0
	defer func() {
		if t.Failed() {
			t.Logf("seed %d, round %d, %s\n%s", seed, round, moments[round%len(moments)].name, k.LogTail())
		}
	}()
	for ; round < rounds && !t.Failed(); round++ {
		what := moments[round%len(moments)].name + ", " + k.round(t, moments[round%len(moments)])
		k.tally[what]++
		t.Logf("round %d: killed %s; %d kills", round, what, k.count)
	}
	k.requireTidy(t)
	t.Logf("seed %d: %d rounds, %d kills in %s; %d objects, %d trainings; recall@10 of balanced searches %.4f, at worst %.3f",
		seed, rounds, k.count, time.Since(began).Round(time.Second), len(k.acknowledged()), k.trainings(),
		k.recall/float64(rounds), k.worst)
	for _, what := range slices.Sorted(maps.Keys(k.tally)) {
		t.Logf("%4d x killed %s", k.tally[what], what)
	}
}

// killed is a server that is killed, and what must be found in it.
type killed struct {
	*node
	random  *rand.Rand
	writers []*writer
	ending  atomic.Bool // whether operations may fail
	inspect string      // the program that verifies files of the index

	starts, stops time.Duration // how long it takes to become ready, and to end by itself
	count         int           // kills so far
	tally         map[string]int
	recall, worst float64 // of balanced searches: the sum over rounds, the smallest
}

const killedClass = "Killed"

func newKilled(t *testing.T, seed uint64, env map[string]string) *killed {
	t.Helper()
	k := &killed{
		node: start(t, server.Options{Env: env}), random: seeded(seed), tally: map[string]int{}, worst: 1,
		inspect: filepath.Join(t.TempDir(), "inspect"),
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", k.inspect, "./tools/dev/inspect")
	build.Dir = server.Repository()
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)

	k.create(t, matrixCollection(killedClass))
	k.setPrecision(t, killedClass, "exact")
	for i := range writers {
		k.writers = append(k.writers, &writer{
			node: k.node, random: seeded(k.random.Uint64()), ending: &k.ending,
			next: i * 1_000_000, oldest: i * 1_000_000, acknowledged: map[string]matrix{}, uncertain: map[string][]matrix{},
		})
	}
	began := time.Now()
	require.NoError(t, k.Stop())
	k.stops = time.Since(began)
	began = time.Now()
	require.NoError(t, k.Restart())
	k.starts = time.Since(began)
	return k
}

// round is a life of the server and its end. It returns what the index was at.
func (k *killed) round(t *testing.T, moment moment) (at string) {
	t.Helper()
	k.ending.Store(false)
	trainings := k.trainings()
	var writing sync.WaitGroup
	for _, w := range k.writers {
		writing.Go(func() { w.run(t, moment.upheaval) })
	}
	moment.end(k, t)
	writing.Wait()
	at = k.requireSound(t, moment.upheaval && k.trainings() == trainings)

	restarted := len(k.Log())
	require.NoError(t, k.Restart())
	k.settle(t)
	k.check(t)
	k.requireQuiet(t, restarted)
	return at
}

// moment is when a server is killed.
type moment struct {
	name     string
	upheaval bool
	end      func(*killed, *testing.T)
}

var moments = []moment{
	{"while writing", false, func(k *killed, t *testing.T) {
		k.pause(1500 * time.Millisecond)
		k.kill(t)
	}},
	{"in an upheaval", true, func(k *killed, t *testing.T) {
		k.awaitBackground()
		k.kill(t)
	}},
	{"while starting", false, func(k *killed, t *testing.T) {
		k.pause(500 * time.Millisecond)
		k.kill(t)
		for range 1 + k.random.IntN(2) {
			require.NoError(t, k.Launch())
			k.pause(k.starts * 5 / 4)
			k.kill(t)
		}
	}},
	{"while stopping", true, func(k *killed, t *testing.T) {
		k.pause(2 * time.Second)
		k.ending.Store(true)
		require.NoError(t, k.Terminate())
		k.pause(k.stops * 3 / 2)
		k.kill(t)
	}},
}

// pause is a random time.
func (k *killed) pause(most time.Duration) { time.Sleep(time.Duration(k.random.Int64N(int64(most)))) }

func (k *killed) kill(t *testing.T) {
	t.Helper()
	k.ending.Store(true)
	if k.Stopped() { // by itself, earlier than it was killed
		return
	}
	require.NoError(t, k.Kill())
	k.count++
}

// awaitBackground waits until the index does something of a kind that is chosen at random: until it
// writes such a file, or has written a codebook and gives codes to what it holds. Files of this
// size are written in a few milliseconds, which a random time would nearly always miss.
func (k *killed) awaitBackground() {
	known := k.files()
	kinds := []string{".vectors.tmp", ".codes.tmp", ".codebook.tmp", ".codebook", ".tuning.tmp"}
	kind := kinds[k.random.IntN(len(kinds))]
	for deadline := time.Now().Add(8 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Microsecond) {
		if slices.ContainsFunc(k.files(), func(name string) bool {
			return strings.HasSuffix(name, kind) && !slices.Contains(known, name)
		}) {
			k.pause(5 * time.Millisecond)
			return
		}
	}
}

// folder is where the index has its files.
func (k *killed) folder() string {
	found, _ := filepath.Glob(filepath.Join(k.Dir, "data", strings.ToLower(killedClass), "*", "vectors_"+ownVector+".plaid.d"))
	return strings.Join(found, " and ") // there is one
}

func (k *killed) files() []string {
	var names []string
	entries, _ := os.ReadDir(k.folder())
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// trainings is how often the index trained its centroids and said so.
func (k *killed) trainings() int { return strings.Count(k.Log(), "trained the index's centroids") }

// requireSound verifies what the dead server has left of the index, and tells from it what the index
// was at. due is whether a training was.
func (k *killed) requireSound(t *testing.T, due bool) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), k.inspect, k.folder()).CombinedOutput()
	require.NoError(t, err, "what the kill has left is damaged:\n%s", output)
	require.NotContains(t, string(output), "set aside", "something was damaged before")
	require.NotContains(t, string(output), "not a file of the index")

	count := map[string]int{} // of files of each kind
	for _, name := range k.files() {
		_, kind, _ := strings.Cut(name, ".")
		if unfinished, is := strings.CutSuffix(kind, ".tmp"); is {
			return "writing " + unfinished
		}
		count[kind]++
	}
	switch {
	case count["codebook"] > 0 && count["codes"] != count["vectors"]:
		return "vectors without codes"
	case due:
		return "before a training or in it"
	}
	return "no file being written"
}

// requireQuiet says that the server which has just started found nothing wrong with the index, and
// that nothing unfinished stays of the one before.
func (k *killed) requireQuiet(t *testing.T, from int) {
	t.Helper()
	for line := range strings.Lines(k.Log()[from:]) {
		if strings.Contains(line, "plaid_index") {
			require.Contains(t, line, `"level":"info"`)
		}
		require.NotContains(t, line, "panic")
	}
	require.Eventually(t, func() bool {
		return !slices.ContainsFunc(k.files(), func(name string) bool { return strings.HasSuffix(name, ".tmp") })
	}, 10*time.Second, time.Millisecond, "an unfinished file stays")
}

// requireTidy looks at what lies there after a proper end: documents that live, each in one file, but
// for so many deleted ones as are not worth a file's being written anew.
func (k *killed) requireTidy(t *testing.T) {
	t.Helper()
	require.NoError(t, k.Stop())
	output, err := exec.CommandContext(t.Context(), k.inspect, k.folder()).CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.NotContains(t, string(output), ".tmp")
	live, held := len(k.acknowledged()), 0
	_, all, _ := strings.Cut(string(output), "in all: ")
	_, err = fmt.Sscanf(all, "%d documents", &held)
	require.NoError(t, err, "%s", output)
	require.GreaterOrEqual(t, held, live, "%s", output)
	require.LessOrEqual(t, held, live*5/4+1, "more than a fifth of what the files hold is deleted:\n%s", output)
	require.NoError(t, k.Restart())
}

// acknowledged is what must be stored, by object id.
func (k *killed) acknowledged() map[string]matrix {
	all := map[string]matrix{}
	for _, w := range k.writers {
		maps.Copy(all, w.acknowledged)
	}
	return all
}

// check holds the restarted server against the books, and its index against its store.
func (k *killed) check(t *testing.T) {
	t.Helper()
	documents := k.stored(t, killedClass, ownVector, "")
	rest := maps.Clone(documents)
	for _, w := range k.writers {
		w.requireStored(t, rest)
	}
	require.Empty(t, slices.Sorted(maps.Keys(rest)), "objects are stored that were deleted, or never imported")
	if len(documents) == 0 {
		return
	}

	// A ranking of everything shows that the index holds each stored object, and nothing else.
	q := randomMatrix(k.random, 4, matrixDim)
	hits := k.search(t, killedClass, query{nearVector: k.vector(ownVector, q), limit: len(documents) + 100})
	requireExact(t, q, documents, len(documents), hits)

	stored := slices.Sorted(maps.Keys(documents))
	for range 40 {
		q := k.question(documents[stored[k.random.IntN(len(stored))]])
		hits := k.search(t, killedClass, query{nearVector: k.vector(ownVector, q), limit: 10})
		requireExact(t, q, documents, 10, hits)
	}
	for range 10 {
		self := stored[k.random.IntN(len(stored))]
		requireExact(t, documents[self], documents, 3, k.search(t, killedClass, query{nearObject: k.object(self), limit: 3}))
	}

	k.checkBalanced(t, documents, stored)
}

// checkBalanced measures what a search finds that does not look at everything.
func (k *killed) checkBalanced(t *testing.T, documents map[string]matrix, stored []string) {
	t.Helper()
	k.setPrecision(t, killedClass, "balanced")
	found, wanted := 0, 0
	for range 20 {
		q := k.question(documents[stored[k.random.IntN(len(stored))]])
		// Over one API only: between two searches the index may find out how far it has to look.
		hits, err := k.searchGRPC(t, killedClass, query{nearVector: k.vector(ownVector, q), limit: 10})
		require.NoError(t, err)
		for _, want := range bruteForce(q, documents)[:min(10, len(documents))] {
			wanted++
			if slices.Contains(ids(hits), want.ID) {
				found++
			}
		}
	}
	k.setPrecision(t, killedClass, "exact")
	recall := float64(found) / float64(wanted)
	require.GreaterOrEqual(t, recall, 0.9, "of balanced searches")
	k.recall, k.worst = k.recall+recall, min(k.worst, recall)
}

// question is a few rows of a document, not quite as they are there.
func (k *killed) question(document matrix) matrix {
	q := make(matrix, 4)
	for i := range q {
		q[i] = near(k.random, document[k.random.IntN(len(document))], 0.3)
	}
	return q
}

// near is a row beside another.
func near(r *rand.Rand, row []float32, noise float32) []float32 {
	other := make([]float32, len(row))
	for i, x := range row {
		other[i] = x + noise*float32(r.NormFloat64())
	}
	return other
}
