package api

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"hezuo/fault"
	"hezuo/identity"
	"hezuo/market"
	"hezuo/realtime"
)

// of is an answer with a body.
type of[T any] struct {
	ETag string `header:"ETag" doc:"The revision, for If-Match"`
	Body T
}

// answered makes an answer of a body; rev 0 is none.
func answered[T any](body T, rev int64) *of[T] {
	out := &of[T]{Body: body}
	if rev > 0 {
		out.ETag = strconv.Quote(strconv.FormatInt(rev, 10))
	}
	return out
}

// nothing is an answer without a body, and a request without any input.
type nothing struct{}

// CodeRequest asks for a sign-in code.
type CodeRequest struct {
	Phone string `json:"phone" maxLength:"30" doc:"Mobile number of the mainland"`
}

// CodeAnswer says that a code is on its way, known phone or not.
type CodeAnswer struct {
	Code    string    `json:"code" doc:"Names the code; no secret"`
	Expires time.Time `json:"expires"`
}

func (s *Server) sendCode(ctx context.Context, in *struct{ Body CodeRequest }) (*of[CodeAnswer], error) {
	v := visitorOf(ctx)
	sent, err := s.cfg.Identity.SendCode(ctx, s.command(v), in.Body.Phone, v.address)
	if err != nil {
		return nil, err
	}
	return answered(CodeAnswer{sent.ID, sent.Expires.UTC()}, 0), nil
}

// SignInRequest proves that one has a phone.
type SignInRequest struct {
	Phone  string `json:"phone" maxLength:"30" doc:"Mobile number of the mainland"`
	Code   string `json:"code" maxLength:"10" doc:"The six digits"`
	Device string `json:"device,omitempty" maxLength:"64" doc:"A random id that this installation made for itself; its refresh tokens are good from it alone"`
}

// Tokens are what a client holds of its session.
type Tokens struct {
	Person         string    `json:"person"`
	AccessToken    string    `json:"access_token" doc:"For Authorization: Bearer"`
	AccessExpires  time.Time `json:"access_expires"`
	RefreshToken   string    `json:"refresh_token" doc:"For /v1/token, once"`
	RefreshExpires time.Time `json:"refresh_expires"`
}

func tokens(t identity.Tokens) *of[Tokens] {
	return answered(Tokens{t.Person, t.Access, t.AccessExpires.UTC(), t.Refresh, t.RefreshExpires.UTC()}, 0)
}

func (s *Server) signIn(ctx context.Context, in *struct{ Body SignInRequest }) (*of[Tokens], error) {
	t, err := s.cfg.Identity.SignIn(ctx, s.command(visitorOf(ctx)), in.Body.Phone, in.Body.Code, identity.DeviceInfo{ID: in.Body.Device})
	if err != nil {
		return nil, err
	}
	return tokens(t), nil
}

// RefreshRequest turns a refresh token into new tokens.
type RefreshRequest struct {
	RefreshToken string `json:"refresh_token" maxLength:"256"`
	Device       string `json:"device,omitempty" maxLength:"64" doc:"As at sign-in"`
}

func (s *Server) refresh(ctx context.Context, in *struct{ Body RefreshRequest }) (*of[Tokens], error) {
	t, err := s.cfg.Identity.Refresh(ctx, s.command(visitorOf(ctx)), in.Body.RefreshToken, identity.DeviceInfo{ID: in.Body.Device})
	if err != nil {
		return nil, err
	}
	return tokens(t), nil
}

func (s *Server) signOut(ctx context.Context, _ *nothing) (*nothing, error) {
	v := visitorOf(ctx)
	return nil, s.cfg.Identity.SignOut(ctx, s.command(v), v.principal)
}

// Me is what a person sees of themselves.
type Me struct {
	ID         string              `json:"id"`
	Phone      string              `json:"phone" doc:"Masked"`
	Name       string              `json:"name"`
	Roles      []identity.Role     `json:"roles,omitempty"`
	Operates   []string            `json:"operates,omitempty" doc:"Markets that I operate"`
	DeviceKeys []DeviceKey         `json:"device_keys,omitempty"`
	Parties    map[string]PartyRef `json:"parties,omitempty" doc:"Parties that I act for, by id"`
}

// PartyRef names a party's kind.
type PartyRef struct {
	Kind market.PartyKind `json:"kind"`
}

// DeviceKey is a signing key of one of a person's devices.
type DeviceKey struct {
	Thumbprint string                `json:"thumbprint"`
	Label      string                `json:"label,omitempty"`
	Registered time.Time             `json:"registered"`
	ActiveFrom time.Time             `json:"active_from"`
	Revoked    time.Time             `json:"revoked,omitzero"`
	Why        identity.RevokeReason `json:"why,omitempty"`
}

func (s *Server) me(ctx context.Context, _ *nothing) (*of[Me], error) {
	v := visitorOf(ctx)
	view, err := s.cfg.Identity.View(ctx, v.principal.Person)
	if err != nil {
		return nil, err
	}
	me := Me{ID: view.ID, Phone: view.Phone, Name: view.Name, Roles: view.Roles, Parties: map[string]PartyRef{}}
	for county := range v.caller.Operates {
		me.Operates = append(me.Operates, county)
	}
	for id, kind := range v.caller.Parties {
		me.Parties[id] = PartyRef{kind}
	}
	for _, d := range view.Devices {
		me.DeviceKeys = append(me.DeviceKeys, DeviceKey{d.Thumbprint, d.Label, d.Registered, d.ActiveFrom, d.Revoked, d.RevokedWhy})
	}
	return answered(me, 0), nil
}

func (s *Server) setName(ctx context.Context, in *struct {
	Body struct {
		Name string `json:"name" minLength:"2" maxLength:"50"`
	}
},
) (*nothing, error) {
	v := visitorOf(ctx)
	return nil, s.cfg.Identity.SetName(ctx, s.command(v), v.principal.Person, in.Body.Name)
}

// Since asks for the entries of a log with numbers above one.
type Since struct {
	After int64 `query:"after" minimum:"0" doc:"The last number that you have; 0 for all"`
	Limit int   `query:"limit" minimum:"1" maximum:"200" default:"100"`
}

// Entries are entries of a log, in order.
type Entries struct {
	Entries []realtime.Entry `json:"entries"`
	Last    int64            `json:"last" doc:"The number to ask after next"`
}

func entries(list []realtime.Entry, after int64) *of[Entries] {
	out := Entries{Entries: list, Last: after}
	if n := len(list); n > 0 {
		out.Last = list[n-1].N
	}
	return answered(out, 0)
}

func (s *Server) inbox(ctx context.Context, in *Since) (*of[Entries], error) {
	list, err := s.cfg.Rooms.Inbox(ctx, visitorOf(ctx).caller, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	return entries(list, in.After), nil
}

func (s *Server) sendOwnCode(ctx context.Context, in *struct {
	Body struct {
		Purpose identity.Purpose `json:"purpose" enum:"device-key,signing" doc:"What the code is for; it is good for nothing else"`
	}
},
) (*of[CodeAnswer], error) {
	v := visitorOf(ctx)
	sent, err := s.cfg.Identity.SendOwnCode(ctx, s.command(v), v.principal, in.Body.Purpose, v.address)
	if err != nil {
		return nil, err
	}
	return answered(CodeAnswer{sent.ID, sent.Expires.UTC()}, 0), nil
}

// KeyRequest registers a device's signing key.
type KeyRequest struct {
	Key        json.RawMessage `json:"key" doc:"The public key as a JWK: EC, P-256, as WebCrypto exports it"`
	Label      string          `json:"label,omitempty" maxLength:"50" doc:"What you call the device"`
	Code       string          `json:"code" maxLength:"64" doc:"Names the code, as /v1/me/codes gave it (purpose device-key)"`
	Digits     string          `json:"digits" maxLength:"10" doc:"The six digits"`
	Possession string          `json:"possession" maxLength:"200" doc:"ES256 signature (r and s, base64url) of the new key over: hezuo device key, person id, thumbprint (RFC 7638), code; four lines divided by line feeds"`
	Vouched    *Vouched        `json:"vouched,omitempty" doc:"Signature of an older key of yours; without it a second key waits a day"`
}

// Vouched is an older key's word for a new one.
type Vouched struct {
	By        string `json:"by" maxLength:"64" doc:"Thumbprint of the older key"`
	Signature string `json:"signature" maxLength:"200" doc:"Its ES256 signature over the same lines"`
}

func (s *Server) registerKey(ctx context.Context, in *struct{ Body KeyRequest }) (*of[identity.Binding], error) {
	v := visitorOf(ctx)
	req := identity.KeyRequest{
		Key: in.Body.Key, Label: in.Body.Label, Possession: in.Body.Possession,
		Code: identity.CodeGiven{ID: in.Body.Code, Digits: in.Body.Digits},
	}
	if o := in.Body.Vouched; o != nil {
		req.Vouched = &identity.Vouched{By: o.By, Signature: o.Signature}
	}
	b, err := s.cfg.Identity.RegisterKey(ctx, s.command(v), v.principal, req)
	if err != nil {
		return nil, err
	}
	return answered(b, 0), nil
}

func (s *Server) revokeKey(ctx context.Context, in *struct {
	Key  string `path:"key" doc:"Thumbprint"`
	Body struct {
		Reason identity.RevokeReason `json:"reason" enum:"replaced,lost,compromised"`
	}
},
) (*nothing, error) {
	v := visitorOf(ctx)
	return nil, s.cfg.Identity.RevokeKey(ctx, s.command(v), v.principal, in.Key, in.Body.Reason)
}

// Ticket opens one websocket at /v1/socket?ticket=….
type Ticket struct {
	Ticket    string `json:"ticket" doc:"Good once, for 30 seconds"`
	SocketURL string `json:"socket_url" doc:"Where to open the websocket, with the ticket"`
}

func (s *Server) ticket(ctx context.Context, _ *nothing) (*of[Ticket], error) {
	t, err := s.cfg.Identity.Ticket(ctx, visitorOf(ctx).principal, s.cfg.Now())
	if err != nil {
		return nil, err
	}
	return answered(Ticket{t, "/v1/socket?ticket=" + t}, 0), nil
}

func (s *Server) setRole(ctx context.Context, in *struct {
	Person string        `path:"person"`
	Role   identity.Role `path:"role" enum:"admin,auditor"`
	Body   struct {
		Has    bool   `json:"has" doc:"Whether the person is to have the role"`
		Reason string `json:"reason" minLength:"4" maxLength:"300"`
	}
},
) (*nothing, error) {
	by, cmd := s.act(ctx)
	if in.Person == by.Person {
		return nil, fault.New(fault.Forbidden, "nobody changes their own roles").WithFix("have another admin do it")
	}
	if in.Body.Has {
		return nil, s.cfg.Identity.GrantRole(ctx, cmd, in.Person, in.Role, in.Body.Reason)
	}
	return nil, s.cfg.Identity.RevokeRole(ctx, cmd, in.Person, in.Role, in.Body.Reason)
}
