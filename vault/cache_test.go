package vault

import (
	"fmt"
	"testing"
	"time"
)

func TestCache(t *testing.T) {
	aead, err := newAEAD(masterKey("data"))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	c := newCache(3, time.Minute)
	has := func(owner string, at time.Time) bool {
		got, _ := c.get(owner, at)
		return got != nil
	}
	put := func(owner string) {
		_, ticket := c.get(owner, start)
		c.put(owner, aead, start, ticket)
	}

	// The one used longest ago goes first.
	for i := range 3 {
		put(fmt.Sprint(i))
	}
	has("0", start)
	put("3")
	for owner, want := range map[string]bool{"0": true, "1": false, "2": true, "3": true} {
		if has(owner, start) != want {
			t.Errorf("%s held: %v", owner, !want)
		}
	}
	put("3") // again
	if len(c.entries) != 3 || c.order.Len() != 3 {
		t.Errorf("%d entries, %d in order", len(c.entries), c.order.Len())
	}

	// A life ends at its end, and when the clock is set back before its start.
	if !has("0", start.Add(time.Minute-1)) || has("0", start.Add(time.Minute)) || has("2", start.Add(-1)) {
		t.Error("wrong length of life")
	}

	// What was read before a forget is not put in after it.
	_, ticket := c.get("4", start)
	c.forget("somebody")
	c.put("4", aead, start, ticket)
	if has("4", start) {
		t.Error("a key came back after forget")
	}
	c.forget("3")
	if has("3", start) || len(c.entries) != 0 || c.order.Len() != 0 {
		t.Errorf("left: %d entries, %d in order", len(c.entries), c.order.Len())
	}
}
