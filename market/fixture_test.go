package market

// goodPost is a post with nothing wrong in it, seen from the first of March 2026.
func goodPost() JobPost {
	days := Period{"2026-03-10", "2026-03-14"}
	return JobPost{
		Title: "摘梨", Trade: "fruit-picking", Duties: "在果园摘梨并装箱", Requirements: "无", Headcount: 10, Period: days, HoursPerDay: 8,
		Pay: Pay{15_000, PerDay}, Site: Site{Place: "371502", Detail: "东昌湖西路", Point: &Point{36.45, 115.98}},
		Conditions: Conditions{ByEmployer, ByNobody, ByTeam}, Deadline: days.Start(), Source: "聊城日报",
	}
}

// goodTeam likewise.
func goodTeam() TeamPost {
	return TeamPost{
		Name: "摘梨队", Trades: []string{"fruit-picking", "pear-picking"}, Headcount: 12, Smallest: 2,
		Free: []Period{{"2026-03-01", "2026-05-31"}}, Base: Site{Place: "371502"}, RadiusKm: 50, LowestPay: 10_000, About: "做了三年",
	}
}

// goodTerms likewise.
func goodTerms() Terms {
	t := goodPost().Terms(5)
	t.Safety, t.Weather, t.Cancellation = "戴手套", "雨天停工", "提前一天说明"
	return t
}
