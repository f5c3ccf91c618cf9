package taxonomy

import (
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

const (
	serviceSysmon            = "sysmon"
	serviceSecurity          = "security"
	servicePowerShell        = "powershell"
	servicePowerShellClassic = "powershell-classic"
)

// WindowsSources gives the log sources that a record of a Windows event log belongs to: the service that SigmaHQ calls its
// channel by, together with the category of each kind of event that the event id stands for. There is always at least one,
// so that rules for all of Windows see the record. Channel and provider are compared without regard to case; where the
// channel is not known, the provider decides.
//
// Sysmon's event 12 is both registry_add and registry_delete: RegistrySources tells them apart where the record's EventType
// is at hand. Security's 4688 is process_creation, under other field names: see Aliases.
func WindowsSources(channel, provider string, eventID int) []rule.Logsource {
	service := WindowsService(channel, provider)
	categories := eventCategories(service, eventID)
	if len(categories) == 0 {
		return []rule.Logsource{{Product: Windows, Service: service}}
	}
	sources := make([]rule.Logsource, len(categories))
	for i, category := range categories {
		sources[i] = rule.Logsource{Category: category, Product: Windows, Service: service}
	}
	return sources
}

// RegistrySources gives the log sources of Sysmon's event 12 by its EventType: CreateKey is registry_add, DeleteKey and
// DeleteValue are registry_delete. For any other text it answers as WindowsSources does.
func RegistrySources(eventType string) []rule.Logsource {
	var category string
	switch strings.ToLower(eventType) {
	case "createkey", "createvalue":
		category = "registry_add"
	case "deletekey", "deletevalue":
		category = "registry_delete"
	default:
		return WindowsSources("Microsoft-Windows-Sysmon/Operational", "", 12)
	}
	return []rule.Logsource{
		{Category: "registry_event", Product: Windows, Service: serviceSysmon},
		{Category: category, Product: Windows, Service: serviceSysmon},
	}
}

// Alias says that a field that rules of a category ask for stands under another name in a record.
type Alias struct{ Field, Record string }

// Aliases gives the fields that rules of the record's categories know by other names than the record does. Security's 4688
// has its process ids in hexadecimal and its MandatoryLabel as a security identifier: IntegrityLevel names it.
func Aliases(channel, provider string, eventID int) []Alias {
	if eventID != 4688 || WindowsService(channel, provider) != serviceSecurity {
		return nil
	}
	return []Alias{
		{"Image", "NewProcessName"},
		{"ParentImage", "ParentProcessName"},
		{"ProcessId", "NewProcessId"},
		{"ParentProcessId", "ProcessId"},
		{"User", "SubjectUserName"},
		{"LogonId", "SubjectLogonId"},
		{"IntegrityLevel", "MandatoryLabel"},
	}
}

// IntegrityLevel gives Sysmon's word for a mandatory label such as S-1-16-12288. Other text is given back as it is.
func IntegrityLevel(label string) string {
	switch label {
	case "S-1-16-0":
		return "Untrusted"
	case "S-1-16-4096":
		return "Low"
	case "S-1-16-8192", "S-1-16-8448":
		return "Medium"
	case "S-1-16-12288":
		return "High"
	case "S-1-16-16384":
		return "System"
	}
	return label
}

// eventCategories gives the categories of a numbered event; none where rules name the service alone.
func eventCategories(service string, eventID int) []string {
	switch service {
	case serviceSysmon:
		return sysmonCategories(eventID)
	case serviceSecurity:
		if eventID == 4688 {
			return []string{"process_creation"}
		}
	case servicePowerShell:
		switch eventID {
		case 4103:
			return []string{"ps_module"}
		case 4104:
			return []string{"ps_script"}
		}
	case servicePowerShellClassic:
		switch eventID {
		case 400:
			return []string{"ps_classic_start"}
		case 600:
			return []string{"ps_classic_provider_start"}
		case 800:
			return []string{"ps_classic_script"}
		}
	}
	return nil
}

func sysmonCategories(eventID int) []string {
	switch eventID {
	case 1:
		return []string{"process_creation"}
	case 2:
		return []string{"file_change"}
	case 3:
		return []string{"network_connection"}
	case 4, 16:
		return []string{"sysmon_status"}
	case 5:
		return []string{"process_termination"}
	case 6:
		return []string{"driver_load"}
	case 7:
		return []string{"image_load"}
	case 8:
		return []string{"create_remote_thread"}
	case 9:
		return []string{"raw_access_thread"}
	case 10:
		return []string{"process_access"}
	case 11:
		return []string{"file_event"}
	case 12:
		return []string{"registry_event", "registry_add", "registry_delete"}
	case 13:
		return []string{"registry_event", "registry_set"}
	case 14:
		return []string{"registry_event", "registry_rename"}
	case 15:
		return []string{"create_stream_hash"}
	case 17, 18:
		return []string{"pipe_created"}
	case 19, 20, 21:
		return []string{"wmi_event"}
	case 22:
		return []string{"dns_query"}
	case 23, 26:
		return []string{"file_delete"}
	case 24:
		return []string{"clipboard_capture"}
	case 25:
		return []string{"process_tampering"}
	case 27:
		return []string{"file_block_executable"}
	case 28:
		return []string{"file_block_shredding"}
	case 29:
		return []string{"file_executable_detected"}
	case 255:
		return []string{"sysmon_error"}
	}
	return nil
}
