package taxonomy_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	pb "github.com/vedette-edr/vedette/proto"
)

// A new payload of the event model is mapped, or somebody says why not.
func TestEveryPayloadIsShownOrSaidToBeHidden(t *testing.T) {
	payloads := (&pb.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("payload").Fields()
	for _, product := range []string{taxonomy.Linux, taxonomy.Windows} {
		platform := taxonomy.For(product)
		known := map[string]bool{}
		for i := range payloads.Len() {
			name := string(payloads.Get(i).Name())
			known[name] = true
			shown := slices.ContainsFunc(platform.Records, func(r taxonomy.Record) bool { return r.Payload == name })
			hidden := slices.ContainsFunc(platform.Hidden, func(u taxonomy.Unserved) bool { return u.Payload == name })
			if shown == hidden {
				t.Errorf("%s: payload %s: shown is %v and hidden is %v; want one of them", product, name, shown, hidden)
			}
		}
		for _, r := range platform.Records {
			if !known[r.Payload] {
				t.Errorf("%s: record %s shows %q, which is no payload of an event", product, r.Name, r.Payload)
			}
		}
		for _, u := range platform.Hidden {
			if !known[u.Payload] || u.Why == "" {
				t.Errorf("%s: hidden payload %q (why %q) is not one of an event or has no reason", product, u.Payload, u.Why)
			}
		}
	}
}

func TestTablesAreSound(t *testing.T) {
	for _, product := range []string{taxonomy.Linux, taxonomy.Windows} {
		names := map[string]bool{}
		for _, r := range taxonomy.For(product).Records {
			if names[r.Name] {
				t.Errorf("%s: two records are named %s", product, r.Name)
			}
			names[r.Name] = true
			fields := map[string]bool{}
			for _, f := range r.Fields {
				if fields[f.Name] {
					t.Errorf("%s: record %s has the field %s twice", product, r.Name, f.Name)
				}
				fields[f.Name] = true
				if (f.Why == "") != (f.Supply == taxonomy.Always) && len(f.Values) == 0 {
					t.Errorf("%s: record %s: field %s is supplied %s with the reason %q", product, r.Name, f.Name, f.Supply, f.Why)
				}
			}
			for _, source := range r.Sources {
				if source.Product != product || source.Category == "" && source.Service == "" {
					t.Errorf("%s: record %s has the log source %v", product, r.Name, source)
				}
			}
		}
	}
}

func corpus(t *testing.T) *rule.Set {
	t.Helper()
	var dirs []string
	for _, folder := range []string{"rules", "rules-emerging-threats", "rules-threat-hunting", "rules-compliance"} {
		dirs = append(dirs, sigmatest.Corpus(t, "sigma/"+folder))
	}
	set, _, err := rule.Load(rule.Options{}, dirs...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Every rule of SigmaHQ is judged, with reasons; and every log source that its rules name for Linux and Windows is served by
// a record, or said not to be.
func TestCorpus(t *testing.T) {
	set := corpus(t)
	for _, product := range []string{taxonomy.Linux, taxonomy.Windows} {
		platform := taxonomy.For(product)
		complete := taxonomy.For(product)
		for i := range complete.Records {
			complete.Records[i].Since = "some day"
		}
		counts, later, lost := map[taxonomy.State]int{}, 0, 0
		for _, r := range set.Rules {
			v := platform.Check(r)
			if v.State != taxonomy.Fires && len(v.Reasons) == 0 {
				t.Errorf("%s: %q on %s without a reason", r.File, v.State, product)
			}
			if (v.State == taxonomy.Cannot) != (len(v.Records) == 0) {
				t.Errorf("%s: %q on %s with records %q", r.File, v.State, product, v.Records)
			}
			if slices.ContainsFunc(v.Reasons, func(r taxonomy.Reason) bool { return r.Text == "" || r.Effect == "" }) {
				t.Errorf("%s: an empty reason among %+v", r.File, v.Reasons)
			}
			if r.Logsource.Product != product {
				continue
			}
			if counts[v.State]++; v.Later {
				later++
			}
			served := slices.ContainsFunc(platform.Records, func(rec taxonomy.Record) bool { return rec.Covers(r.Logsource) })
			unserved := slices.ContainsFunc(platform.Unserved, func(u taxonomy.Unserved) bool { return r.Logsource.Covers(u.Logsource) })
			if !served && !unserved {
				t.Errorf("%s: its log source %v is neither served nor said to be unserved", r.File, r.Logsource)
			}
			if product == taxonomy.Linux && r.Logsource.Category == "process_creation" && v.State == taxonomy.Cannot {
				t.Errorf("%s cannot fire: %s", r.File, v)
			}
			if final := complete.Check(r); final.State == taxonomy.Cannot {
				lost++
				if v.State != taxonomy.Cannot || v.Later {
					t.Errorf("%s: %q (later: %v) today, and %q with all sensors", r.File, v.State, v.Later, final.State)
				}
			}
		}
		t.Logf("%s: of its rules %d fire, %d are degraded, %d cannot fire (%d of them yet); with all sensors %d cannot", product,
			counts[taxonomy.Fires], counts[taxonomy.Degraded], counts[taxonomy.Cannot], later, lost)
	}
}

func TestCheck(t *testing.T) {
	linux := taxonomy.For(taxonomy.Linux)
	f := func(logsource, detection string, state taxonomy.State, later bool, wants ...string) {
		t.Helper()
		text := "title: A rule\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {" + logsource + "}\ndetection:\n" + detection
		set, problems := rule.Parse(rule.Options{}, "rule.yml", []byte(text))
		if len(set.Rules) != 1 {
			t.Fatalf("cannot read the rule: %v", problems)
		}
		v := linux.Check(set.Rules[0])
		if v.State != state || v.Later != later {
			t.Errorf("%s\n is %q, later %v, want %q, %v: %s", detection, v.State, v.Later, state, later, v)
		}
		var reasons []string
		for _, r := range v.Reasons {
			reasons = append(reasons, string(r.Effect)+": "+r.String())
		}
		all := strings.Join(reasons, "\n")
		for _, want := range wants {
			if !strings.Contains(all, want) {
				t.Errorf("%s\n has reasons %q, want %q", detection, all, want)
			}
		}
		if len(wants) == 0 && len(reasons) > 0 {
			t.Errorf("%s\n has reasons %q, want none", detection, all)
		}
	}
	const started = "category: process_creation, product: linux"
	f(started, "  a:\n    Image: /bin/x\n  condition: a\n", taxonomy.Fires, false)
	f(started, "  a:\n    ParentImage: /bin/x\n  condition: a\n", taxonomy.Fires, false, "depends: a: ParentImage is not always there")
	f(started, "  a:\n    OriginalFileName: x\n    Image: y\n  condition: a\n", taxonomy.Cannot, false, "blocks: a: process_creation never has OriginalFileName")
	f(started, "  a:\n    - OriginalFileName: x\n    - Image: y\n  condition: a\n", taxonomy.Degraded, false, "loses: a: cannot match: process_creation never has OriginalFileName")
	f(started, "  a:\n    Image: y\n  b:\n    Company: z\n  condition: a and not b\n", taxonomy.Degraded, false, "admits: b: cannot exclude")
	f(started, "  a:\n    Image: y\n  b:\n    Company: null\n  condition: a and not b\n", taxonomy.Cannot, false, "blocks: b: ")
	f(started, "  a:\n    Image: y\n    Company: null\n  condition: a\n", taxonomy.Degraded, false, "admits: a: always holds")
	f(started, "  a:\n    Nonsense|exists: true\n  condition: a\n", taxonomy.Cannot, false, "process_creation has no field Nonsense")
	f(started, "  a:\n    Image|fieldref: Hashes\n  condition: a\n", taxonomy.Cannot, false, "Image refers to a field that process_creation never has")
	f("category: process_creation, product: macos", "  a:\n    Image: y\n  condition: a\n", taxonomy.Cannot, false, "it is for macos, and this is linux")
	f("product: linux, service: sshd", "  a:\n    - y\n  condition: a\n", taxonomy.Cannot, false, "text log of a program")
	f("category: proxy", "  a:\n    c-uri: y\n  condition: a\n", taxonomy.Cannot, false, "category: proxy")
	f("product: linux", "  a:\n    - y\n  condition: a\n", taxonomy.Degraded, false, "misses: its log source is all of linux")

	const audited = "product: linux, service: auditd"
	f(audited, "  a:\n    type: EXECVE\n    a0: y\n    a31: z\n  condition: a\n", taxonomy.Fires, false)
	f(audited, "  a:\n    type: SERVICE_STOP\n    unit: y\n  condition: a\n", taxonomy.Cannot, false, "a: type of service: auditd is never SERVICE_STOP (what programs such as systemd", "service: auditd has no field unit")
	f(audited, "  a:\n    type: SYSCALL\n    key: y\n  condition: a\n", taxonomy.Cannot, false, "the key of an audit rule")
	f(audited, "  a:\n    SYSCALL: ptrace\n    success: 'no'\n  condition: a\n", taxonomy.Fires, false)
	f(audited, "  a:\n    type: PATH\n    name: /x\n  condition: a\n", taxonomy.Degraded, false, "misses: it is also for events that no sensor supplies yet")
	f(audited, "  a:\n    type: EXECVE\n    a0: y\n  b:\n    SYSCALL: memfd_create\n  condition: a or b\n", taxonomy.Fires, false)
	f(audited, "  a:\n    type: EXECVE\n    a0: y\n  b:\n    SYSCALL: personality\n  condition: a or b\n", taxonomy.Degraded, false, "loses: b: cannot match: SYSCALL of execve is never personality")
	f("category: bpf_operation, product: linux", "  a:\n    Command: '5'\n  condition: a\n", taxonomy.Fires, false)
	f("category: process_access, product: linux", "  a:\n    success: 'no'\n  condition: a\n", taxonomy.Cannot, false, "success of category: process_access is never no")
	f("category: process_trace_failed, product: linux", "  a:\n    success: 'no'\n  condition: a\n", taxonomy.Fires, false)
	f("category: network_close, product: linux", "  a:\n    Image: y\n  condition: a\n", taxonomy.Cannot, true, "no sensor supplies these events yet: network_close")
}

func TestWindowsSources(t *testing.T) {
	f := func(channel, provider string, eventID int, want ...rule.Logsource) {
		t.Helper()
		if got := taxonomy.WindowsSources(channel, provider, eventID); !slices.Equal(got, want) {
			t.Errorf("sources of %q, %q, %d are %v, want %v", channel, provider, eventID, got, want)
		}
	}
	source := func(category, service string) rule.Logsource {
		return rule.Logsource{Category: category, Product: "windows", Service: service}
	}
	const sysmon = "Microsoft-Windows-Sysmon/Operational"
	f(sysmon, "Microsoft-Windows-Sysmon", 1, source("process_creation", "sysmon"))
	f(strings.ToUpper(sysmon), "", 13, source("registry_event", "sysmon"), source("registry_set", "sysmon"))
	f("", "Microsoft-Windows-Sysmon", 12, source("registry_event", "sysmon"), source("registry_add", "sysmon"), source("registry_delete", "sysmon"))
	f(sysmon, "", 9999, source("", "sysmon"))
	f("Security", "", 4624, source("", "security"))
	f("Security", "", 4688, source("process_creation", "security"))
	f("Windows PowerShell", "PowerShell", 400, source("ps_classic_start", "powershell-classic"))
	f("Microsoft-Windows-PowerShell/Operational", "", 4104, source("ps_script", "powershell"))
	f("PowerShellCore/Operational", "", 4103, source("ps_module", "powershell"))
	f("A channel that no rule names", "Microsoft-Windows-Sysmon", 1, source("", ""))

	registry := func(eventType string, want ...rule.Logsource) {
		t.Helper()
		if got := taxonomy.RegistrySources(eventType); !slices.Equal(got, want) {
			t.Errorf("sources of event 12 with %q are %v, want %v", eventType, got, want)
		}
	}
	registry("CreateKey", source("registry_event", "sysmon"), source("registry_add", "sysmon"))
	registry("DeleteValue", source("registry_event", "sysmon"), source("registry_delete", "sysmon"))
	registry("-", taxonomy.WindowsSources(sysmon, "", 12)...)

	if a := taxonomy.Aliases("Security", "", 4688); !slices.Contains(a, taxonomy.Alias{Field: "Image", Record: "NewProcessName"}) {
		t.Errorf("aliases of 4688 are %v", a)
	}
	if a := taxonomy.Aliases("Security", "", 4624); a != nil {
		t.Errorf("aliases of 4624 are %v, want none", a)
	}
	if got := taxonomy.IntegrityLevel("S-1-16-12288"); got != "High" {
		t.Errorf("the label of high integrity is %q", got)
	}
}

// Every service has a channel, so that no name in the list is a slip.
func TestWindowsServices(t *testing.T) {
	services := taxonomy.WindowsServices()
	if !slices.IsSorted(services) {
		t.Error("the services are not in alphabetical order")
	}
	reached := map[string]bool{}
	for _, channel := range channels() {
		service := taxonomy.WindowsService(channel, "")
		if !slices.Contains(services, service) {
			t.Errorf("channel %q has the service %q, which is not in the list", channel, service)
		}
		reached[service] = true
	}
	for _, service := range services {
		if !reached[service] {
			t.Errorf("no channel leads to the service %q", service)
		}
	}
}

func channels() []string {
	list := []string{
		"Security", "Application", "System", "Windows PowerShell", "DNS Server", "MSExchange Management", "OpenSSH/Operational",
		"PowerShellCore/Operational", "Microsoft-IIS-Configuration/Operational", "Microsoft-ServiceBus-Client",
	}
	for _, name := range []string{
		"Sysmon/Operational", "PowerShell/Operational", "Windows Defender/Operational", "TaskScheduler/Operational",
		"WMI-Activity/Operational", "DNS-Client/Operational", "DNS Client Events/Operational", "DNSServer/Analytical",
		"DNS-Server/Audit", "DriverFrameworks-UserMode/Operational", "NTLM/Operational", "SmbClient/Security",
		"SmbClient/Connectivity", "SMBServer/Connectivity", "Bits-Client/Operational", "CodeIntegrity/Operational",
		"Windows Firewall With Advanced Security/Firewall", "AppLocker/EXE and DLL", "AppLocker/MSI and Script",
		"AppXDeploymentServer/Operational", "AppxPackaging/Operational", "AppModel-Runtime/Admin", "PrintService/Admin",
		"PrintService/Operational", "TerminalServices-LocalSessionManager/Operational", "Diagnosis-Scripted/Operational",
		"Security-Mitigations/Kernel Mode", "Security-Mitigations/User Mode",
		"CertificateServicesClient-Lifecycle-System/Operational", "Kernel-ShimEngine/Operational", "Kernel-EventTracing/Admin",
		"Hyper-V-Worker-Admin", "DHCP-Server/Operational", "VHDMP-Operational", "LSA/Operational", "LDAP-Client/Debug",
		"BitLocker/BitLocker Management", "Shell-Core/Operational", "CAPI2/Operational", "SENSE/Operational", "Ntfs/Operational",
	} {
		list = append(list, "Microsoft-Windows-"+name)
	}
	return list
}

func TestTable(t *testing.T) {
	var one, two bytes.Buffer
	if err := taxonomy.WriteTable(&one); err != nil {
		t.Fatal(err)
	}
	if err := taxonomy.WriteTable(&two); err != nil {
		t.Fatal(err)
	}
	if one.String() != two.String() {
		t.Error("two tables differ")
	}
	for _, want := range []string{
		"## Linux", "## Windows", "| category: process_creation | `process_creation` | 0.1 |", "| service: auditd |",
		"| `OriginalFileName`, `FileVersion`", "never | a resource of Windows executables |", "### `file_event`: event `file_open`, not supplied yet",
		"All fields of the acting process and of the audit daemon's view of it.", "| event `fork` |",
	} {
		if !strings.Contains(one.String(), want) {
			t.Errorf("the table lacks %q", want)
		}
	}
}

func TestArgumentIndex(t *testing.T) {
	f := func(name string, want int) {
		t.Helper()
		if got := taxonomy.ArgumentIndex(name); got != want {
			t.Errorf("%q is argument %d, want %d", name, got, want)
		}
	}
	f("a0", 0)
	f("a31", 31)
	f("a", -1)
	f("a01", -1)
	f("argc", -1)
	f("a99999", -1)
	f("", -1)
}

// What this project delivers works here as it is written.
func TestOwnRulesFire(t *testing.T) {
	set, problems, err := rule.Load(rule.Options{}, "../../../rules/sigma")
	if err != nil || len(set.Rules) == 0 {
		t.Fatalf("cannot load the rules: %v, %v", err, problems)
	}
	for _, r := range set.Rules {
		if v := taxonomy.For(taxonomy.Linux).Check(r); v.State != taxonomy.Fires {
			t.Errorf("%s: %s", r.File, v)
		}
	}
}
