package api

import (
	"context"
	"time"

	"hezuo/agreement"
	"hezuo/fault"
	"hezuo/matching"
	"hezuo/store"
)

// AgreementView is an agreement as its parties see it.
type AgreementView struct {
	ID        string             `json:"id"`
	Handshake string             `json:"handshake"`
	Market    string             `json:"market"`
	Job       string             `json:"job"`
	Team      string             `json:"team"`
	Employer  string             `json:"employer"`
	Owner     string             `json:"owner"`
	Contract  agreement.Contract `json:"contract" doc:"What was signed"`
	SignedAt  time.Time          `json:"signed_at"`
}

func agreementView(it store.Item[agreement.Agreement]) (AgreementView, error) {
	a := it.Doc
	c, err := a.Contract()
	if err != nil {
		return AgreementView{}, fault.New(fault.Internal, "an agreement that cannot be read").Wrap(err)
	}
	return AgreementView{it.ID, a.Handshake, a.Market, a.Job, a.Team, a.Employer, a.Owner, c, a.SignedAt}, nil
}

// AgreementPath names an agreement.
type AgreementPath struct {
	Agreement string `path:"agreement"`
}

func (s *Server) agreement(ctx context.Context, in *AgreementPath) (*of[AgreementView], error) {
	it, err := s.cfg.Agreements.Get(ctx, visitorOf(ctx).caller, in.Agreement)
	if err != nil {
		return nil, err
	}
	v, err := agreementView(it)
	return answered(v, it.Rev), err
}

func (s *Server) partyAgreements(ctx context.Context, in *struct {
	PartyPath
	Paging
},
) (*of[Page[AgreementView]], error) {
	p, err := s.cfg.Agreements.OfParty(ctx, visitorOf(ctx).caller, in.Party, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := Page[AgreementView]{Items: make([]AgreementView, len(p.Items)), Next: p.Next}
	for i, it := range p.Items {
		if out.Items[i], err = agreementView(it); err != nil {
			return nil, err
		}
	}
	return answered(out, 0), nil
}

// FileAnswer is a file to keep.
type FileAnswer struct {
	Disposition string `header:"Content-Disposition"`
	Type        string `header:"Content-Type"`
	Body        []byte
}

func (s *Server) agreementFile(ctx context.Context, in *struct {
	AgreementPath
	Body struct {
		Purpose string `json:"purpose,omitempty" maxLength:"300" doc:"For an auditor who needs the personal data in it: why; it is recorded"`
	}
},
) (*FileAnswer, error) {
	by, cmd := s.act(ctx)
	var file []byte
	var err error
	if in.Body.Purpose != "" && by.Auditor {
		file, err = s.cfg.Agreements.RevealFile(ctx, by, cmd, in.Agreement, in.Body.Purpose)
	} else {
		file, err = s.cfg.Agreements.File(ctx, by, in.Agreement)
	}
	if err != nil {
		return nil, err
	}
	return &FileAnswer{`attachment; filename="` + in.Agreement + agreement.Extension + `"`, "application/json", file}, nil
}

func (s *Server) verifyAgreement(ctx context.Context, in *struct {
	RawBody []byte `doc:"The file, as it is"` // of no JSON type: Huma would want a string in it
},
) (*of[agreement.Result], error) {
	keys, err := s.cfg.Agreements.PlatformJWKS(ctx)
	if err != nil {
		return nil, err
	}
	return answered(agreement.VerifyFile(in.RawBody, keys), 0), nil
}

func (s *Server) signing(ctx context.Context, in *struct {
	HandshakePath
	As matching.Role `query:"as" enum:"employer,owner" doc:"Your side; needed only if you act for both"`
},
) (*of[agreement.Request], error) {
	by := visitorOf(ctx).caller
	it, err := s.cfg.Handshakes.Get(ctx, by, in.Handshake)
	if err != nil {
		return nil, err
	}
	role, err := it.Doc.RoleOf(by, in.As)
	if err != nil {
		return nil, err
	}
	req, err := s.cfg.Contracts.Signing(ctx, in.Handshake, &it.Doc, role, by.Person, s.cfg.Now())
	if err != nil {
		return nil, err
	}
	return answered(req, it.Rev), nil
}

func (s *Server) sign(ctx context.Context, in *struct {
	HandshakePath
	Body struct {
		As
		Protected string `json:"protected" maxLength:"2000" doc:"The JWS protected header that you signed, base64url"`
		Signature string `json:"signature" maxLength:"200" doc:"ES256 signature (r and s, base64url) over protected, a full stop, payload"`
	}
},
) (*of[HandshakeView], error) {
	return s.event(ctx, in.Handshake, matching.Event{As: in.Body.As.As, Protected: in.Body.Protected, Signature: in.Body.Signature}, s.cfg.Handshakes.Sign)
}
