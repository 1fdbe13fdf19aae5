using Matih.Functions.Demo;

// Matih.Functions.Demo [--short]: what `make azure-demo` runs. 1: the table does not hold what was produced; 3: something failed.
if (args is not ([] or ["--short"]))
{
    Console.Error.WriteLine("azure-demo: the only option is --short, which does less of everything and leaves out the kill of the job host and the idle minute.");
    return 2;
}
try
{
    await using var run = new DemoRun(args.Length > 0, Console.WriteLine);
    var summary = await run.RunAsync();
    summary.WriteTo(Console.Out);
    if (summary.Disagreement is not { } disagreement) return 0;
    Console.Error.WriteLine($"azure-demo: {disagreement}. Please report this.");
    return 1;
}
catch (Exception failure)
{
    Console.Error.WriteLine($"azure-demo: {failure}");
    return 3;
}
