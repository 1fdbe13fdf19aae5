using System.CommandLine;
using Matih.Delivery;
using Matih.Hosting;
using Matih.Hosting.Flink;

namespace Matih.Host.Commands;

/// <summary><c>matih flink manifest</c>: a pipeline as manifests for the Flink Kubernetes Operator.</summary>
internal sealed class FlinkManifestCommand
{
    private readonly HostSettings _settings;
    private readonly FlinkOptions _script = new();
    private readonly Argument<string> _file = new("FILE") { Description = "The definition, a YAML file." };
    private readonly Option<string> _image = new("--image") { HelpName = "IMAGE", Description = "Flink's image, with the connectors, Iceberg's runtime and the file systems that the job needs.", Required = true };
    private readonly Option<string> _state = new("--state") { HelpName = "URL", Description = "Where checkpoints, savepoints and the cluster's own state are kept, such as s3://bucket/flink/clicks.", Required = true };
    private readonly Option<string> _matihImage = new("--matih-image") { HelpName = "IMAGE", Description = "This program's image. Default: matih.", DefaultValueFactory = _ => "matih" };
    private readonly Option<string?> _secret = new("--secret") { HelpName = "NAME", Description = "The Secret with the definition's variables and files. Default: the pipeline's name." };
    private readonly Option<string?> _namespace = new("--namespace") { HelpName = "NAME", Description = "The namespace of all objects. Default: none is written." };

    public FlinkManifestCommand(HostSettings settings)
    {
        _settings = settings;
        Command = new Command("manifest", "Print manifests for the Flink Kubernetes Operator.") { _file, _image, _state, _matihImage, _secret, _namespace };
        _script.AddTo(Command);
        Verb.RefuseOptions(_file, Command);
        Command.SetAction(Run);
    }

    public Command Command { get; }

    private int Run(ParseResult arguments)
    {
        if (_script.Generate(arguments, arguments.GetValue(_file)!, _settings) is not { } generated) return ExitCode.BadDefinition;
        Console.Out.Write(FlinkManifest.Write(generated.Pipeline, generated.Script, new ManifestRequest(arguments.GetValue(_image)!, arguments.GetValue(_matihImage)!, arguments.GetValue(_state)!)
        {
            SecretName = arguments.GetValue(_secret),
            Namespace = arguments.GetValue(_namespace),
            Overrides = _script.OverridesOf(arguments),
            DeployArguments = _script.ConnectorOf(arguments),
        }));
        return ExitCode.Done;
    }
}
