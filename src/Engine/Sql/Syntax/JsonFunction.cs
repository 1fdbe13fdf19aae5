namespace Matih.Sql.Syntax;

/// <summary>What is asked about what a JSON path leads to: its value, its text, or whether there is one.</summary>
internal enum JsonFunction { Value, Query, Exists }

/// <summary>When JSON_QUERY puts an array around the value.</summary>
internal enum JsonWrapper { Never, UnlessArray, Always }
