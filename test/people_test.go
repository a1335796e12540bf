package test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hezuo/api/client"
	"hezuo/identity"
	"hezuo/market"
	"hezuo/realtime"
)

// person is somebody with a phone and a client.
type person struct {
	phone  string
	c      *client.Client
	party  string // that they act for; empty for none
	device *client.Device
}

func (w *person) id() string { return w.c.Person() }

func (w *person) token() string {
	if w == nil {
		return ""
	}
	return w.c.Tokens().AccessToken
}

// signIn signs somebody with a new phone in.
func (p *premises) signIn(ctx context.Context, url string) (*person, error) {
	return p.signInAs(ctx, url, p.phone())
}

func (p *premises) signInAs(ctx context.Context, url, phone string) (*person, error) {
	w := &person{phone: phone, c: client.New(url, web)}
	return w, w.c.SignIn(ctx, phone, p.phones.code(phone, identity.PurposeSignIn))
}

// seen is what the tests read of any answer.
type seen struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Rev      int64  `json:"rev"`
	N        int64  `json:"n"`
	Job      string `json:"job"`
	Team     string `json:"team"`
	Employer any    `json:"employer"` // a party's id, or a side
	Owner    any    `json:"owner"`
	Terms    *struct {
		N     int             `json:"n"`
		Hash  string          `json:"hash"`
		Terms json.RawMessage `json:"terms"`
	} `json:"terms"`
}

// doer does one act of somebody, and gives what was acknowledged.
type doer func(ctx context.Context, who *person, path string, in any) (seen, error)

// plainly does an act as the client does it by itself.
func plainly(ctx context.Context, who *person, path string, in any) (seen, error) {
	return client.Post[seen](ctx, who.c, path, in)
}

// party registers somebody's party and has it verified.
func (do doer) party(ctx context.Context, who, operator *person, form body) error {
	made, err := do(ctx, who, "/v1/parties", form)
	if err != nil {
		return err
	}
	who.party = made.ID
	_, err = do(ctx, operator, "/v1/parties/"+made.ID+"/verification", body{
		"approve": true, "reason": "证照已核对", "partnered": form["kind"] == market.Agency,
	})
	return err
}

// job posts a job and has it approved.
func (do doer) job(ctx context.Context, employer, operator *person, post body) (string, error) {
	job, err := do(ctx, employer, "/v1/jobs", post)
	if err != nil {
		return "", err
	}
	if _, err = do(ctx, employer, "/v1/jobs/"+job.ID+"/submission", nil); err != nil {
		return job.ID, err
	}
	_, err = do(ctx, operator, "/v1/jobs/"+job.ID+"/review", body{"approve": true, "reason": "内容合规"})
	return job.ID, err
}

// team puts a team on the market.
func (do doer) team(ctx context.Context, owner *person, post body) (string, error) {
	team, err := do(ctx, owner, "/v1/teams", post)
	if err != nil {
		return "", err
	}
	_, err = do(ctx, owner, "/v1/teams/"+team.ID+"/opening", nil)
	return team.ID, err
}

// agree has both sides accept the newest terms.
func (do doer) agree(ctx context.Context, handshake string, sides ...*person) error {
	for _, w := range sides {
		h, err := client.Get[seen](ctx, w.c, "/v1/handshakes/"+handshake)
		if err != nil {
			return err
		}
		if h.Terms == nil {
			return fmt.Errorf("a handshake that is %s has no terms", h.State)
		}
		if _, err := do(ctx, w, "/v1/handshakes/"+handshake+"/acceptance", body{"hash": h.Terms.Hash}); err != nil {
			return err
		}
	}
	return nil
}

// key registers a device key of somebody's.
func (do doer) key(ctx context.Context, p *premises, w *person) error {
	in, err := p.keyBody(ctx, w)
	if err != nil {
		return err
	}
	_, err = do(ctx, w, "/v1/me/device-keys", in)
	return err
}

// keyBody gives a good request to register a new key, which is then the person's
// device.
func (p *premises) keyBody(ctx context.Context, w *person) (body, error) {
	d, err := client.NewDevice()
	if err != nil {
		return nil, err
	}
	code := p.phones.code(w.phone, identity.PurposeDeviceKey)
	sent, err := client.Post[struct {
		Code string `json:"code"`
	}](ctx, w.c, "/v1/me/codes", body{"purpose": identity.PurposeDeviceKey})
	if err != nil {
		return nil, err
	}
	digits, err := code(ctx, sent.Code)
	if err != nil {
		return nil, err
	}
	possession, err := d.Sign(identity.Challenge(w.id(), d.Thumbprint(), sent.Code))
	if err != nil {
		return nil, err
	}
	w.device = d
	return body{"key": d.JWK(), "label": "手机", "code": sent.Code, "digits": digits, "possession": possession}, nil
}

// sign signs what was agreed with somebody's device.
func (do doer) sign(ctx context.Context, handshake string, w *person) error {
	in, err := signatureBody(ctx, handshake, w)
	if err != nil {
		return err
	}
	_, err = do(ctx, w, "/v1/handshakes/"+handshake+"/signature", in)
	return err
}

// signatureBody gives a good signature under what was agreed.
func signatureBody(ctx context.Context, handshake string, w *person) (body, error) {
	s, err := client.Get[client.Signing](ctx, w.c, "/v1/handshakes/"+handshake+"/signing")
	if err != nil {
		return nil, err
	}
	if len(s.Headers) == 0 {
		return nil, fmt.Errorf("nobody's key can sign")
	}
	protected := b64([]byte(s.Headers[0].Protected))
	signature, err := w.device.Sign([]byte(protected + "." + s.Payload))
	return body{"protected": protected, "signature": signature}, err
}

// told waits until an inbox has an entry of a kind about a document.
func told(ctx context.Context, inbox *client.Log, kind, id string) (realtime.Entry, error) {
	return inbox.Wait(ctx, func(e realtime.Entry) bool {
		return e.Kind == kind && strings.Contains(string(e.Body), `"`+id+`"`)
	})
}

// town is a market with those who run it.
type town struct {
	*premises
	*server
	t               testing.TB
	admin, operator *person
}

// found makes an admin, the county's market and its operator.
func (p *premises) found(t testing.TB, s *server) *town {
	t.Helper()
	w := &town{premises: p, server: s, t: t}
	phone := p.phone()
	if status, _, log := p.run("admin", "create", "--phone", phone, "--name", "管理员"); status != 0 {
		t.Fatalf("hezuo admin create exits with %d: %s", status, log)
	}
	ctx := t.Context()
	var err error
	if w.admin, err = p.signInAs(ctx, s.url, phone); err != nil {
		t.Fatal(err)
	}
	w.operator = w.somebody()
	w.must(plainly(ctx, w.admin, "/v1/markets", body{"county": county}))
	w.appoint(county, w.operator)
	return w
}

func (w *town) appoint(county string, operator *person) {
	w.t.Helper()
	path := "/v1/markets/" + county + "/operators/" + operator.id()
	if _, err := w.admin.c.Do(w.t.Context(), http.MethodPut, path, body{"operator": true, "reason": "县局委派"}, nil); err != nil {
		w.t.Fatal(err)
	}
}

// somebody signs a new person in.
func (w *town) somebody() *person {
	w.t.Helper()
	who, err := w.signIn(w.t.Context(), w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	return who
}

// somebodyWith signs a new person in and gives them a verified party.
func (w *town) somebodyWith(kind market.PartyKind) *person {
	w.t.Helper()
	who := w.somebody()
	if err := doer(plainly).party(w.t.Context(), who, w.operator, w.form(kind, who)); err != nil {
		w.t.Fatal(err)
	}
	return who
}

// form gives a good form of a party of somebody's.
func (w *town) form(kind market.PartyKind, who *person) body {
	return partyBody(kind, w.number.Add(1), who.phone)
}

// must gives what an act acknowledged; without acknowledgement the test is over.
func (w *town) must(v seen, err error) seen {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}
