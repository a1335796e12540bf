package vault

import (
	"container/list"
	"crypto/cipher"
	"sync"
	"time"
)

// cache holds opened data keys for a short while, the longest unused going first
// when it is full.
type cache struct {
	size int
	life time.Duration

	mu      sync.Mutex
	entries map[string]*list.Element
	order   *list.List // of *cached, the one used last in front
	// forgotten counts the calls of forget. A key read before one of them and put
	// in after it might be one that was destroyed between, so put refuses it.
	forgotten uint64
}

// cached is one owner's key.
type cached struct {
	owner string
	aead  cipher.AEAD
	since time.Time
}

func newCache(size int, life time.Duration) *cache {
	return &cache{size: size, life: life, entries: map[string]*list.Element{}, order: list.New()}
}

// get gives an owner's key, or nil and the ticket for put.
func (c *cache) get(owner string, now time.Time) (aead cipher.AEAD, ticket uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[owner]
	if !ok {
		return nil, c.forgotten
	}
	k := e.Value.(*cached) //nolint:errcheck // the list holds nothing else
	// A clock that was set back must not lengthen a key's life.
	if age := now.Sub(k.since); age < 0 || age >= c.life {
		c.remove(e)
		return nil, c.forgotten
	}
	c.order.MoveToFront(e)
	return k.aead, c.forgotten
}

// put keeps a key that was read from the store not before since.
func (c *cache) put(owner string, aead cipher.AEAD, since time.Time, ticket uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ticket != c.forgotten {
		return
	}
	if e, ok := c.entries[owner]; ok {
		c.remove(e)
	}
	c.entries[owner] = c.order.PushFront(&cached{owner, aead, since})
	if c.order.Len() > c.size {
		c.remove(c.order.Back())
	}
}

// forget drops an owner's key, and those that are being read now.
func (c *cache) forget(owner string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgotten++
	if e, ok := c.entries[owner]; ok {
		c.remove(e)
	}
}

// remove takes an entry out. The caller holds mu.
func (c *cache) remove(e *list.Element) {
	c.order.Remove(e)
	delete(c.entries, e.Value.(*cached).owner) //nolint:errcheck // the list holds nothing else
}
