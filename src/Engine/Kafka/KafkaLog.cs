namespace Matih.Kafka;

/// <summary>A line that librdkafka would like to see logged, or an error that it gets past by itself. Without secrets.</summary>
/// <param name="Level">As in syslog: 0 emergency … 3 error, 4 warning, 5 notice, 6 information, 7 debug.</param>
/// <param name="Facility">librdkafka's short name of what the line is about, e.g. <c>FAIL</c>.</param>
/// <param name="Text">The line.</param>
public readonly record struct KafkaLogLine(int Level, string Facility, string Text);

/// <summary>Takes log lines. Called from whichever thread polls or asks the source, one call at a time per connection; returns quickly.</summary>
public delegate void KafkaLog(KafkaLogLine line);
