package matching

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"hezuo/bus"
	"hezuo/market"
	"hezuo/store"
)

// settleEvery is how often it is looked what has fallen due.
const settleEvery = time.Second

// Run follows the markets' feeds and settles deadlines until ctx ends; then its
// goroutines have ended. Any number of nodes may run one.
func (e *Engine) Run(ctx context.Context, cursors *store.Cursors, waker bus.Waker) {
	var settling sync.WaitGroup
	defer settling.Wait()
	settling.Go(func() { e.settle(ctx) })
	e.board.Follow(ctx, cursors, waker, e.log, func(county string) []store.Follower {
		return []store.Follower{
			{Name: "engine", Log: market.PostsFeed(county), Handle: e.handlePost, Now: e.now, Logger: e.log},
			{Name: "engine", Log: Feed(county), Handle: e.handleHandshake, Now: e.now, Logger: e.log},
		}
	})
}

// settle does what falls due, and finishes what a process left unfinished.
func (e *Engine) settle(ctx context.Context) {
	t := time.NewTicker(settleEvery)
	defer t.Stop()
	for {
		if err := e.SettleOnce(ctx); err != nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "deadlines could not all be settled", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// SettleOnce does what has fallen due by now, once.
func (e *Engine) SettleOnce(ctx context.Context) error {
	now := e.now()
	_, unfinished := e.handshakes.AdvanceAll(ctx)
	_, jobs := e.board.Settle(ctx, e.node, now)
	_, handshakes := e.handshakes.Settle(ctx, now)
	return errors.Join(unfinished, jobs, handshakes)
}

// reference reads what a feed's entry refers to.
func reference(r store.Record) (store.Ref, error) {
	var ref store.Ref
	if err := json.Unmarshal(r.Body, &ref); err != nil {
		return ref, fmt.Errorf("feed entry %d of %s: %w", r.N, r.Log, err)
	}
	return ref, nil
}
