package realtime_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hezuo/realtime"
)

// The limit is by the injected clock: standing still it gives the burst and no
// more, and each step forward gives what has grown.
func TestFrameLimit(t *testing.T) {
	noLeaks(t)
	var now atomic.Int64
	now.Store(time.Date(2031, 3, 1, 0, 0, 0, 0, time.UTC).Unix())
	w := newWire(t, realtime.Options{
		Frames: realtime.FrameLimit{PerSecond: 2, Burst: 5},
		Now:    func() time.Time { return time.Unix(now.Load(), 0) },
	}, answerAll)
	ws := w.dial(t)
	for range 5 {
		ask(t, ws)
	}
	for range 3 {
		now.Add(1)
		ask(t, ws)
		ask(t, ws)
	}
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"id":"1","do":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	wantClose(t, ws, realtime.CloseTooManyFrames)
	w.wantEnd(t, realtime.CloseTooManyFrames)
}

// Control frames count as well: a flood of pings is a flood.
func TestFrameLimitCountsPings(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{
		Frames: realtime.FrameLimit{PerSecond: 1, Burst: 50},
		Now:    func() time.Time { return time.Unix(0, 0) },
	}, answerAll)
	for _, kind := range []int{websocket.PingMessage, websocket.PongMessage} {
		ws := w.dial(t)
		for range 51 {
			if err := ws.WriteControl(kind, []byte("x"), time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
		}
		wantClose(t, ws, realtime.CloseTooManyFrames)
		w.wantEnd(t, realtime.CloseTooManyFrames)
	}
}

// A pong that answers our ping is free, even where nothing else is; but one ping
// pays for one pong.
func TestFrameLimitSparesPongs(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{
		PingEvery: 50 * time.Millisecond,
		Frames:    realtime.FrameLimit{PerSecond: 1, Burst: 1},
		Now:       func() time.Time { return time.Unix(0, 0) },
	}, answerAll)
	ws := w.dial(t)
	pings := 0
	pong := ws.PingHandler()
	ws.SetPingHandler(func(data string) error {
		pings++
		for range pings / 10 * 100 { // none at first
			_ = pong(data)
		}
		return pong(data)
	})
	ask(t, ws)
	wantClose(t, ws, realtime.CloseTooManyFrames)
	w.wantEnd(t, realtime.CloseTooManyFrames)
	if pings < 10 {
		t.Errorf("cut after %d pings, though each was answered once", pings)
	}
}

// The defaults let a client join a hundred rooms again at once.
func TestFrameLimitDefault(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{Now: func() time.Time { return time.Unix(0, 0) }}, answerAll)
	ws := w.dial(t)
	for range 100 {
		ask(t, ws)
	}
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"id":"1","do":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	wantClose(t, ws, realtime.CloseTooManyFrames)
	w.wantEnd(t, realtime.CloseTooManyFrames)
}
