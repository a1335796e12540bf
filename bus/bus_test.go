package bus

import (
	"strconv"
	"sync"
	"testing"
	"time"
)

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }
func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func TestWakeReachesEveryListenerOfItsTopic(t *testing.T) {
	m := NewMemory(time.Now)
	a, stopA := m.Listen("a")
	b, stopB := m.Listen("a")
	other, stopOther := m.Listen("b")
	defer stopOther()
	m.Wake("a")
	m.Wake("a") // becomes one
	<-a
	<-b
	select {
	case <-a:
		t.Error("two wake-ups before the first was taken became two values")
	case <-other:
		t.Error("another topic was woken")
	default:
	}
	stopA()
	stopB()
	m.Wake("a")
	select {
	case <-a:
		t.Error("woken after stop")
	default:
	}
	if len(m.listeners) != 1 {
		t.Errorf("%d topics are kept, want the one that is listened to", len(m.listeners))
	}
}

func TestWakeWhileOthersComeAndGo(t *testing.T) {
	m := NewMemory(time.Now)
	stay, stop := m.Listen("t")
	defer stop()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 200 {
				_, stop := m.Listen("t")
				m.Wake("t")
				stop()
			}
		})
	}
	wg.Wait()
	<-stay
}

func TestAllow(t *testing.T) {
	c := &clock{t: time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)}
	m := NewMemory(c.now)
	allow := func(key string) (bool, time.Duration) {
		ok, retry, err := m.Allow(t.Context(), key, 5, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return ok, retry
	}
	for i := range 5 {
		if ok, _ := allow("k"); !ok {
			t.Fatalf("event %d of 5 was refused", i+1)
		}
	}
	ok, retry := allow("k")
	if ok || retry <= 0 || retry > 12*time.Minute {
		t.Fatalf("the sixth event: allowed %v, again after %v; want refused, within 12 minutes", ok, retry)
	}
	if ok, _ := allow("other"); !ok {
		t.Error("another key was refused")
	}
	c.add(retry)
	if ok, _ := allow("k"); !ok {
		t.Error("refused after the time that was given")
	}
}

func TestAllowForgets(t *testing.T) {
	c := &clock{t: time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)}
	m := NewMemory(c.now)
	for i := range 1000 {
		if _, _, err := m.Allow(t.Context(), strconv.Itoa(i), 5, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	c.add(2 * time.Hour)
	if _, _, err := m.Allow(t.Context(), "new", 5, time.Hour); err != nil {
		t.Fatal(err)
	}
	if len(m.limits) != 1 {
		t.Errorf("%d keys are kept, want 1", len(m.limits))
	}
}
