package test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hezuo/market"
	"hezuo/realtime"
)

// listener opens a websocket that only listens, and joins the inbox.
func (w *town) listener(t *testing.T, who *person) *websocket.Conn {
	t.Helper()
	ticket := read[struct {
		URL string `json:"socket_url"`
	}](t, w.ask(request{method: "POST", path: "/v1/me/socket-tickets", token: who.token()}))
	ws, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+w.address()+ticket.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close() // empty, after an upgrade
	t.Cleanup(func() { _ = ws.Close() })
	join, err := realtime.EncodeRequest(realtime.Request{ID: "1", Do: realtime.DoJoin, Room: "inbox"})
	if err == nil {
		err = ws.WriteMessage(websocket.TextMessage, join)
	}
	if err == nil {
		_, _, err = ws.ReadMessage() // the answer
	}
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

// goodbye reads a socket to its end and gives what the server closed it with.
func goodbye(ws *websocket.Conn) (code int, text string, err error) {
	_ = ws.SetReadDeadline(time.Now().Add(patience)) // else the read fails at once
	for {
		_, _, err := ws.ReadMessage()
		var end *websocket.CloseError
		if errors.As(err, &end) {
			return end.Code, end.Text, nil
		}
		if err != nil {
			return 0, "", err
		}
	}
}

// slow is a request of which the server has only a part.
type slow struct {
	net.Conn
	rest []byte
}

// begin sends all of a request but the end of its body.
func (w *town) begin(t *testing.T, who *person, path, key string, in body) slow {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", w.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	half := len(raw) / 2
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nIdempotency-Key: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, w.address(), who.token(), key, len(raw), raw[:half]); err != nil {
		t.Fatal(err)
	}
	return slow{conn, raw[half:]}
}

// finish sends the end, and gives the answer.
func (s slow) finish() (status int, answer []byte, err error) {
	if _, err := s.Write(s.rest); err != nil {
		return 0, nil, err
	}
	_ = s.SetReadDeadline(time.Now().Add(patience)) // else the read fails at once
	res, err := http.ReadResponse(bufio.NewReader(s), nil)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }() // it is read
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// TestStop asks a busy server to stop: sockets are sent away to come back, what has
// begun is finished, and nothing is half done.
func TestStop(t *testing.T) {
	p := newPremises(t)
	w := p.found(t, p.serve())
	employer := w.somebodyWith(market.Company)
	job := jobBody(employer.party, days(10, 3), 5)
	var sockets []*websocket.Conn
	for range 12 {
		sockets = append(sockets, w.listener(t, employer))
	}
	lateKey := rand.Text()
	late := w.begin(t, employer, "/v1/jobs", lateKey, job)

	// Busy people: each posts jobs one after the other until there is no answer.
	var mu sync.Mutex
	acked := map[string]string{} // by key
	unknown := []string{lateKey}
	busy := make(chan struct{}, 1000)
	var people sync.WaitGroup
	for range 6 {
		people.Go(func() {
			for {
				key := rand.Text()
				a, err := w.tryAsk(request{method: "POST", path: "/v1/jobs", token: employer.token(), body: job, header: http.Header{"Idempotency-Key": {key}}})
				mu.Lock()
				var v seen
				switch {
				case err != nil:
					unknown = append(unknown, key)
				case a.status != http.StatusCreated || json.Unmarshal(a.body, &v) != nil:
					t.Errorf("a server that stops answers %d %s", a.status, a.body)
				default:
					acked[key] = v.ID
				}
				mu.Unlock()
				if err != nil {
					return
				}
				select {
				case busy <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 40 {
		<-busy
	}
	began := time.Now()
	w.terminate()
	for _, ws := range sockets {
		code, text, err := goodbye(ws)
		if code != int(realtime.CloseGoingAway) || text != "going_away:now" {
			t.Errorf("a socket is sent away with %d %q %v", code, text, err)
		}
	}
	status, body, err := late.finish()
	if err != nil || status != http.StatusCreated {
		t.Errorf("a request that had begun gets %d %s %v", status, body, err)
	}
	if left := w.wait(); left != 0 {
		t.Errorf("the server exits with %d:\n%s", left, w.log)
	}
	took := time.Since(began)
	people.Wait()
	if took > 15*time.Second {
		t.Errorf("the server took %s to stop, longer than its time-out", took)
	}
	p.check()

	// What was not answered is sent again, and is there once.
	s := p.serve()
	for _, key := range unknown {
		s.ask(request{method: "POST", path: "/v1/jobs", token: employer.token(), body: job, header: http.Header{"Idempotency-Key": {key}}})
	}
	for key, id := range acked {
		if a := s.ask(request{method: "GET", path: "/v1/jobs/" + id, token: employer.token()}); a.status != 200 {
			t.Errorf("a job that was acknowledged under %s is not there: %d", key, a.status)
		}
	}
	s.stop()
	p.check()
	if n := p.trails(t, "jobs"); n != len(acked)+len(unknown) {
		t.Errorf("%d keys made %d jobs", len(acked)+len(unknown), n)
	}
	t.Logf("stopped in %s: %d jobs acknowledged, %d without an answer", took.Round(time.Millisecond), len(acked), len(unknown))
}

// TestStopInTime stops a server whose clients do nothing to let it: one socket is
// never read, one request never ends.
func TestStopInTime(t *testing.T) {
	p := newPremises(t)
	p.env["HEZUO_SHUTDOWN_TIMEOUT"] = "3s"
	w := p.found(t, p.serve())
	employer := w.somebodyWith(market.Company)
	w.listener(t, employer)
	w.begin(t, employer, "/v1/jobs", rand.Text(), jobBody(employer.party, days(10, 3), 5))
	began := time.Now()
	w.terminate()
	status := w.wait()
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the server took %s to stop; its time-out is 3 s", took)
	} else {
		t.Logf("stopped in %s with status %d", took.Round(time.Millisecond), status)
	}
	if bytes.Contains([]byte(w.log.String()), []byte("goroutine ")) {
		t.Errorf("the server died:\n%s", w.log)
	}
	p.check()
	if n := p.trails(t, "jobs"); n != 0 {
		t.Errorf("a request that never ended made %d jobs", n)
	}
}
