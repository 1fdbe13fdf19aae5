using Matih.Functions.TestHost.Durable;

// The job host's process: see DurableHost, which starts it.
await JobHostProgram.RunAsync(Console.In, Console.Out);
