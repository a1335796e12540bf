package test

import (
	"context"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// siege is many stories at once on a server that is killed again and again.
type siege struct {
	*town
	seed uint64
	now  *server // the town's own is the first, whose address all have
	acks tally
	next atomic.Int64            // story
	over chan struct{}           // closed after the last kill: no story begins any more
	fail context.CancelCauseFunc // ends everything, with the first story's error

	mu      sync.Mutex // guards stories
	stories []*story
}

// tally counts, and lets others wait for the count.
type tally struct {
	mu    sync.Mutex // guards what follows
	n     int64
	grown chan struct{} // closed, and made anew, with each one more; nil before
}

func (y *tally) add() {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.n++
	if y.grown != nil {
		close(y.grown)
		y.grown = nil
	}
}

func (y *tally) count() int64 {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.n
}

// more waits until so many more were counted; it fails when ctx ends first.
func (y *tally) more(ctx context.Context, n int64) error {
	for want := y.count() + n; ; {
		y.mu.Lock()
		if y.n >= want {
			y.mu.Unlock()
			return nil
		}
		if y.grown == nil {
			y.grown = make(chan struct{})
		}
		grown := y.grown
		y.mu.Unlock()
		select {
		case <-grown:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// tellers is how many stories are told at once.
const tellers = 6

// TestKill kills the server with SIGKILL at random moments, while many stories go
// on, and starts it again on the same file and port. Nothing that was acknowledged
// may be lost, nothing may be there twice, and every story comes to its agreement.
func TestKill(t *testing.T) {
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any seed does
	if given := os.Getenv("KILL_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	kills := 8
	if proving() {
		kills = 50
	}
	cut := wire.unanswered()
	t.Logf("KILL_SEED=%d, %d kills", seed, kills)
	p := newPremises(t)
	k := &siege{town: p.found(t, p.serve()), seed: seed, over: make(chan struct{})}
	k.now = k.server
	ctx, cancel := context.WithTimeout(t.Context(), deadline())
	defer cancel()
	ctx, k.fail = context.WithCancelCause(ctx)

	var all sync.WaitGroup
	for range tellers {
		all.Go(func() { k.tellMany(ctx) })
	}
	starts := k.killMany(ctx, kills)
	close(k.over)
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		t.Fatal(err)
	}
	k.verify(ctx, t)
	k.now.stop()
	out := k.check()
	for collection, want := range map[string]int{
		"jobs": len(k.stories), "teams": len(k.stories), "handshakes": len(k.stories), "agreements": len(k.stories), "parties": 2 * len(k.stories),
	} {
		if got := k.trails(t, collection); got != want {
			t.Errorf("the store knows %d %s, not %d", got, collection, want)
		}
	}
	t.Logf("%d stories, %d acknowledged acts, %d kills (%d more while starting), %d requests without an answer\n%s",
		len(k.stories), k.acks.count(), kills, starts, wire.unanswered()-cut, out)
}

// tellMany tells one story after the other.
func (k *siege) tellMany(ctx context.Context) {
	for {
		select {
		case <-k.over:
			return
		default:
		}
		n := int(k.next.Add(1)) - 1
		s := &story{town: k.town, n: n, acks: &k.acks, rand: mathrand.New(mathrand.NewPCG(k.seed, uint64(n)))} //nolint:gosec // for replay
		err := s.tell(ctx)
		k.mu.Lock()
		k.stories = append(k.stories, s)
		k.mu.Unlock()
		if err != nil {
			k.fail(err)
			return
		}
	}
}

// killMany kills the server, each time after a random number of acknowledged acts
// and some random milliseconds, and starts it again; one time in five the new one
// is killed before it listens. It tells how often that was.
func (k *siege) killMany(ctx context.Context, kills int) (starts int) {
	random := mathrand.New(mathrand.NewPCG(k.seed, 1<<32)) //nolint:gosec // for replay
	for range kills {
		if k.acks.more(ctx, 5+random.Int64N(60)) != nil {
			return starts
		}
		within(ctx, time.Duration(random.IntN(30_000))*time.Microsecond)
		k.now.kill()
		if random.IntN(5) == 0 {
			starts++
			young := k.command("serve", "--listen", k.address())
			young.Stdout = k.phones.out // it may come to serve somebody
			if err := young.Start(); err != nil {
				k.fail(err)
				return starts
			}
			within(ctx, time.Duration(random.IntN(300))*time.Millisecond)
			_ = young.Process.Kill() // it may have ended by itself
			_ = young.Wait()
		}
		if err := k.rise(ctx); err != nil {
			k.fail(err)
			return starts
		}
	}
	return starts
}

// rise starts the server again on its port.
func (k *siege) rise(ctx context.Context) error {
	for {
		s, err := k.start("--listen", k.address())
		if err == nil {
			k.now = s
			return nil
		}
		// Some client's own connection may have the port for a moment.
		if !strings.Contains(err.Error(), "address already in use") || ctx.Err() != nil {
			return err
		}
	}
}

// within lets a random moment pass: it is what the test is about.
func within(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// verify compares every story with what the server says in the end.
func (k *siege) verify(ctx context.Context, t *testing.T) {
	t.Helper()
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(k.ask(request{method: "GET", path: "/.well-known/agreement-keys.json"}).body, &keys); err != nil {
		t.Fatal(fmt.Errorf("the house's keys: %w", err))
	}
	for _, s := range k.stories {
		s.verify(ctx, t, k.now, keys)
	}
}
